/** One line of a properties file that sets something. */
export interface PropertyLine {
  readonly key: string
  readonly value: string
  /** From 1. */
  readonly line: number
}

/**
 * Reads a Java properties file: `key=value`, `key: value` or `key value`; `#` and `!` begin a comment
 * line; a backslash at the end continues in the next line; `\n`, `\t`, `\uXXXX` and so on are escapes.
 * Source: `java.util.Properties`, load.
 */
export function readProperties(text: string): PropertyLine[] {
  const found: PropertyLine[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1
    let logical = (lines[i] ?? '').replace(/^[ \t\f]+/, '')
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    while (endsInOddBackslashes(logical) && i + 1 < lines.length) {
      i++
      logical = logical.slice(0, -1) + (lines[i] ?? '').replace(/^[ \t\f]+/, '')
    }
    const [key, value] = splitLine(logical)
    found.push({ key: unescape(key), value: unescape(value).trim(), line })
  }
  return found
}

function endsInOddBackslashes(text: string): boolean {
  return (/\\*$/.exec(text)?.[0].length ?? 0) % 2 === 1
}

function splitLine(text: string): [key: string, value: string] {
  let end = 0
  while (end < text.length && !/[=: \t\f]/.test(text.charAt(end)))
    end += text.charAt(end) === '\\' ? 2 : 1
  const rest = text.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return [text.slice(0, end), rest]
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' }

function unescape(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\(.?)/g, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(parseInt(hex, 16)),
  )
}
