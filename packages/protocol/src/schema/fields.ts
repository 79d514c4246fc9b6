import { ProtocolError } from '../errors.ts'
import { quotedName } from '../names/safe-name.ts'

/**
 * A type of header field: how its text becomes a value, and back. Both header serialisations carry
 * text, so a pair of functions is the whole codec.
 */
export interface FieldType<T> {
  readonly name: string
  readonly decode: (text: string, field: string) => T
  readonly encode: (value: T) => string
  /**
   * False for a text without a value of this type. Absent when every text has one, or an invalid one is always
   * refused.
   */
  readonly isReadable?: (text: string) => boolean
}

/** One field of a header: its type, whether it must be there, and what it means. */
export interface Field<T = unknown, R extends boolean = boolean> {
  readonly type: FieldType<T>
  readonly required: R
  readonly doc: string
  /** The value of a required field that is missing; without it the request is refused. */
  readonly fallback?: T
}

/** The fields of a header by name, in wire order. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table of fields of any type
export type Fields = Readonly<Record<string, Field<any>>>

/** Text as it is. */
export const string: FieldType<string> = {
  name: 'string',
  decode: (text) => text,
  encode: (value) => value,
}

/** A 32-bit signed integer. */
export const int32: FieldType<number> = {
  name: 'int32',
  decode: (text, field) => wholeNumber(text, field, INT32),
  encode: (value) => String(value),
  isReadable: (text) => numberProblem(text, INT32) === undefined,
}

/** A Java `long` that is an offset or a count: a safe integer, or a ProtocolError. */
export const int64: FieldType<number> = {
  name: 'int64',
  decode: (text, field) => wholeNumber(text, field, SAFE),
  encode: (value) => String(value),
  // A number that Java can parse must not count as absent.
  isReadable: (text) => numberProblem(text, LONG) === undefined,
}

/**
 * A Java `long` that is a time in ms: saturates at the safe integers, because the admin tools send
 * `Long.MAX_VALUE` for «no end».
 */
export const timestampMs: FieldType<number> = {
  name: 'timestampMs',
  decode: (text, field) => {
    const value = wholeNumber(text, field, LONG)
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
  },
  encode: (value) => (value >= Number.MAX_SAFE_INTEGER ? '9223372036854775807' : String(value)),
  isReadable: (text) => numberProblem(text, LONG) === undefined,
}

/** `true` or `false`; as in Java, any other text is false. */
export const boolean: FieldType<boolean> = {
  name: 'boolean',
  decode: (text) => text.toLowerCase() === 'true',
  encode: (value) => (value ? 'true' : 'false'),
}

/**
 * Message properties as their UTF-8 bytes: the broker stores them unchanged and searches them without creating
 * strings.
 */
export const propertyBytes: FieldType<Buffer> = {
  name: 'propertyBytes',
  decode: (text) => Buffer.from(text, 'utf8'),
  encode: (value) => value.toString('utf8'),
}

/** A required field. */
export const required = <T>(type: FieldType<T>, doc: string): Field<T, true> => ({
  type,
  required: true,
  doc,
})

/** A field that may be absent. */
export const optional = <T>(type: FieldType<T>, doc: string): Field<T, false> => ({
  type,
  required: false,
  doc,
})

/** A required field with a default, which Apache uses when it is missing. */
export const orElse = <T>(type: FieldType<T>, fallback: T, doc: string): Field<T, true> => ({
  type,
  required: true,
  doc,
  fallback,
})

interface Bounds {
  readonly min: number
  readonly max: number
}

const INT32: Bounds = { min: -0x80000000, max: 0x7fffffff }
const SAFE: Bounds = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }
const LONG: Bounds = { min: -(2 ** 63), max: 2 ** 63 }
/** Numbers this close to 2^63 are distinguished by their digits. */
const LONG_DIGITS = 19
const LONG_MAX = 2n ** 63n - 1n

/** What is wrong with the text of a whole number; undefined when nothing is. */
function numberProblem(text: string, { min, max }: Bounds): string | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) {
    return `is not a whole number: ${quotedName(text)}`
  }
  const value = Number(text)
  const isLong = text.length < LONG_DIGITS || isWithinLong(text)
  return value < min || value > max || !isLong ? `is out of range: ${text}` : undefined
}

function isWithinLong(text: string): boolean {
  const value = BigInt(text.replace(/^[+]/, ''))
  return value <= LONG_MAX && value >= -LONG_MAX - 1n
}

function wholeNumber(text: string, field: string, bounds: Bounds): number {
  const problem = numberProblem(text, bounds)
  if (problem !== undefined) throw new ProtocolError({ what: `field ${field} ${problem}` })
  const value = Number(text)
  // `-0` is 0, as for Java.
  return value === 0 ? 0 : value
}
