/**
 * Writes lines `key=value`, sorted by key: the bodies of GET_BROKER_CONFIG and GET_NAMESRV_CONFIG.
 * Nothing is escaped. Apache: `MixAll.java`, properties2String.
 */
export function formatPropertiesText(
  properties: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
): string {
  const isMap = (from: typeof properties): from is ReadonlyMap<string, string> =>
    from instanceof Map
  const entries = isMap(properties) ? [...properties] : Object.entries(properties)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, value]) => `${key}=${value}\n`).join('')
}

/**
 * Reads a properties file as `java.util.Properties` does: `key=value`, `key:value` or `key value`, comments with #
 * and !; a backslash joins lines and escapes characters. The last value of a key counts.
 */
export function parsePropertiesText(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const split = keyEnd(line)
    let value = split
    while (isBlank(line[value])) value++
    if (line[value] === '=' || line[value] === ':') value++
    while (isBlank(line[value])) value++
    properties.set(unescape(line.slice(0, split)), unescape(line.slice(value)))
  }
  return properties
}

const isBlank = (c: string | undefined): boolean => c === ' ' || c === '\t' || c === '\f'

function logicalLines(text: string): string[] {
  const lines: string[] = []
  let open = ''
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (open === '' && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    if (backslashesBehind(line) % 2 === 1) {
      open += line.slice(0, -1)
      continue
    }
    lines.push(open + line)
    open = ''
  }
  if (open !== '') lines.push(open)
  return lines
}

/** How many backslashes a line ends with. */
function backslashesBehind(line: string): number {
  let count = 0
  while (count < line.length && line[line.length - 1 - count] === '\\') count++
  return count
}

function keyEnd(line: string): number {
  for (let i = 0; i < line.length; i++) {
    const c = line[i]
    if (c === '\\') i++
    else if (c === '=' || c === ':' || isBlank(c)) return i
  }
  return line.length
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', f: '\f' }

function unescape(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|([^]))/g,
    (_whole, hex: string | undefined, c: string | undefined) =>
      hex === undefined ? (ESCAPES[c ?? ''] ?? c ?? '') : String.fromCharCode(parseInt(hex, 16)),
  )
}
