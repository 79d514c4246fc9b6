/**
 * Characters that a terminal would interpret, that are invisible, or that a log would take for the end of a line:
 * control characters (C0, DEL, C1), direction marks, line and paragraph separators, lone surrogates.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const LENGTH_MAX = 2048

/**
 * Untrusted text as one line that is safe for a log or a terminal: unprintable characters are shown by their number,
 * and long text is truncated.
 */
export function printable(text: string, lengthMax = LENGTH_MAX): string {
  const rest = text.length - lengthMax
  const shown = rest > 0 ? text.slice(0, lengthMax) : text
  const escaped = shown.replace(UNPRINTABLE, (each) => SHORT[each] ?? escapeOf(each))
  return rest > 0 ? `${escaped}… (${rest} more characters)` : escaped
}

/** Printable JSON with the same meaning. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, unicodeEscape)
}

function escapeOf(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** Each surrogate by itself, as in JSON. */
function unicodeEscape(character: string): string {
  let escaped = ''
  for (let i = 0; i < character.length; i++) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  }
  return escaped
}
