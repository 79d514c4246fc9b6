/**
 * What a terminal would obey, a reader would not see, or a log would take for the end of a line: control characters (C0,
 * DEL, C1), marks of the direction of writing, separators of lines and paragraphs, halves of pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const LENGTH_MAX = 2048

/**
 * Text of strangers as one line of a log or a terminal may show it: what is not to be printed is shown by its number, and
 * of long text the beginning.
 */
export function printable(text: string, lengthMax = LENGTH_MAX): string {
  const rest = text.length - lengthMax
  const shown = rest > 0 ? text.slice(0, lengthMax) : text
  const escaped = shown.replace(UNPRINTABLE, (each) => SHORT[each] ?? escapeOf(each))
  return rest > 0 ? `${escaped}… (${rest} more characters)` : escaped
}

/** JSON that is printable, and means the same. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, unicodeEscape)
}

function escapeOf(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** Each half of a pair by itself, as JSON has it. */
function unicodeEscape(character: string): string {
  let escaped = ''
  for (let i = 0; i < character.length; i++) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  }
  return escaped
}
