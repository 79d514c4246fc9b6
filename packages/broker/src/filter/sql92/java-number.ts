/**
 * Texts read as Java's `Integer.valueOf`, `Long.valueOf`, `Double.valueOf` and `Boolean.valueOf` read them, because a
 * property is a text and is read as the type of what it is compared with. Apache: `ComparisonExpression.java`.
 */

const INT_MAX = 2 ** 31 - 1
const LONG_MAX = 2n ** 63n - 1n
/** Every whole number of so many digits is a 64-bit one. */
const SAFE_DIGITS = 15
const INTEGER = /^[+-]?[0-9]+$/
const ANY_DIGITS = /^[+-]?\p{Nd}+$/u
const PLAIN_DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?$/
const DECIMAL = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?$/
const HEX =
  /^([+-]?)0[xX](?:([0-9a-fA-F]+)\.?|([0-9a-fA-F]*)\.([0-9a-fA-F]+))[pP]([+-]?[0-9]+)[fFdD]?$/
/** Digits of a whole number in hexadecimal that can matter; of what follows only whether it is nothing. */
const HEX_DIGITS_MAX = 64
/** Digits of the greatest 64-bit number. */
const LONG_DIGITS = 19
const DOUBLE_BITS = 53
const EXPONENT_MIN = -1022
const EXPONENT_MAX = 1023
/** Far outside of what a double holds. */
const EXPONENT_CLAMP = 1e6

/** A 32-bit number, never −0; undefined when the text is none. */
export function javaInt(text: string): number | undefined {
  const digits = INTEGER.test(text) ? text : withPlainDigits(text)
  if (digits === undefined) return undefined
  const value = Number(digits)
  return value <= INT_MAX && value >= -INT_MAX - 1 ? value + 0 : undefined
}

/** A 64-bit number, never −0; undefined when the text is none. */
export function javaLong(text: string): number | bigint | undefined {
  const digits = INTEGER.test(text) ? text : withPlainDigits(text)
  if (digits === undefined) return undefined
  if (digits.length <= SAFE_DIGITS) return Number(digits) + 0
  const sign = digits.startsWith('-') ? '-' : ''
  const plain = withoutZerosBefore(digits, /^[+-]/.test(digits) ? 1 : 0)
  if (plain.length > LONG_DIGITS) return undefined
  const value = BigInt(`${sign}${plain}`)
  return value <= LONG_MAX && value >= -LONG_MAX - 1n ? value : undefined
}

/** A double; undefined when the text is none. */
export function javaDouble(text: string): number | undefined {
  if (PLAIN_DECIMAL.test(text)) return Number(text)
  // What Java's trim takes away: everything up to the blank.
  const trimmed = trimmedAsInJava(text)
  if (DECIMAL.test(trimmed)) return Number(trimmed.replace(/[fFdD]$/, ''))
  switch (trimmed) {
    case 'NaN':
    case '+NaN':
    case '-NaN':
      return NaN
    case 'Infinity':
    case '+Infinity':
      return Infinity
    case '-Infinity':
      return -Infinity
    default:
      return hexDouble(trimmed)
  }
}

/** True for `true` in any case. */
export function javaBoolean(text: string): boolean {
  return text.toLowerCase() === 'true'
}

/**
 * Below, at or above zero, as Java's `compareTo`: NaN is above all and equal to itself, −0 is below 0.
 */
export function javaCompare(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  if (typeof a === 'bigint' || typeof b === 'bigint') return 0
  if (a === b) return a === 0 ? Number(Object.is(b, -0)) - Number(Object.is(a, -0)) : 0
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

function trimmedAsInJava(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}

/** The digits of a text from `start` on without zeros in front; one digit at least. */
function withoutZerosBefore(text: string, start: number): string {
  let at = start
  while (at < text.length - 1 && text.charCodeAt(at) === 0x30) at++
  return text.slice(at)
}

/** Java takes the digits of every script. Undefined when the text is no whole number. */
function withPlainDigits(text: string): string | undefined {
  if (!ANY_DIGITS.test(text)) return undefined
  const plain = text.replace(/[^+\-0-9]/g, (character) => {
    if (!isDigit(character.charCodeAt(0))) return character
    // The digits of a script follow each other, 0 first.
    let value = 0
    while (isDigit(character.charCodeAt(0) - value - 1)) value++
    return String(value)
  })
  return INTEGER.test(plain) ? plain : undefined
}

const isDigit = (code: number): boolean => /^\p{Nd}$/u.test(String.fromCharCode(code))

/** `0x1.8p3`: rounded to the nearest double, a tie to the even one. */
function hexDouble(text: string): number | undefined {
  const found = HEX.exec(text)
  if (found === null) return undefined
  const [, sign, whole, before = '', after = '', power] = found
  const digits = withoutZerosBefore(whole ?? before + after, 0)
  const rest = digits.slice(HEX_DIGITS_MAX)
  // Whether the rest is nothing decides a tie.
  const kept = digits.slice(0, HEX_DIGITS_MAX) + (/[^0]/.test(rest) ? '1' : '0')
  const mantissa = BigInt(`0x${kept}`)
  const given = Math.max(-EXPONENT_CLAMP, Math.min(EXPONENT_CLAMP, Number(power)))
  const value = scaled(mantissa, given - 4 * after.length + 4 * (rest.length - 1))
  return sign === '-' ? -value : value
}

/** `mantissa × 2 ** exponent`, rounded once. */
function scaled(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0
  const bits = mantissa.toString(2).length
  const top = bits - 1 + exponent
  if (top > EXPONENT_MAX) return Infinity
  const kept = top >= EXPONENT_MIN ? DOUBLE_BITS : DOUBLE_BITS - (EXPONENT_MIN - top)
  if (kept < 0) return 0
  const dropped = Math.max(0, bits - kept)
  const unit = 1n << BigInt(dropped)
  const rest = mantissa % unit
  let rounded = mantissa / unit
  if (2n * rest > unit || (2n * rest === unit && (rounded & 1n) === 1n)) rounded += 1n
  const shift = exponent + dropped
  // In two steps, each of which is exact: 2 ** shift alone may be less than the least double.
  const half = Math.trunc(shift / 2)
  return Number(rounded) * 2 ** half * 2 ** (shift - half)
}
