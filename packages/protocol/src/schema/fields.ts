import { ProtocolError } from '../errors.ts'

/**
 * A type of header field: how its text becomes a value, and back. Both header serialisations carry
 * text, so a pair of functions is the whole codec.
 */
export interface FieldType<T> {
  readonly name: string
  readonly decode: (text: string, field: string) => T
  readonly encode: (value: T) => string
}

/** One field of a header: its type, whether it must be there, and what it means. */
export interface Field<T = unknown, R extends boolean = boolean> {
  readonly type: FieldType<T>
  readonly required: R
  readonly doc: string
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
  decode: (text, field) => wholeNumber(text, field, -0x80000000, 0x7fffffff),
  encode: (value) => String(value),
}

/** A Java `long` that is an offset or a count: a safe integer, or a ProtocolError. */
export const int64: FieldType<number> = {
  name: 'int64',
  decode: (text, field) =>
    wholeNumber(text, field, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  encode: (value) => String(value),
}

/**
 * A Java `long` that is a time in ms: saturates at the safe integers, because the admin tools send
 * `Long.MAX_VALUE` for «no end».
 */
export const timestampMs: FieldType<number> = {
  name: 'timestampMs',
  decode: (text, field) => {
    const value = wholeNumber(text, field, -Infinity, Infinity)
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
  },
  encode: (value) => (value >= Number.MAX_SAFE_INTEGER ? '9223372036854775807' : String(value)),
}

/** A Java `long` whose every bit counts, such as a hash. */
export const int64Exact: FieldType<bigint> = {
  name: 'int64Exact',
  decode: (text, field) => {
    wholeNumber(text, field, -Infinity, Infinity)
    return BigInt.asIntN(64, BigInt(text))
  },
  encode: (value) => value.toString(),
}

/** `true` or `false`; as in Java, any other text is false. */
export const boolean: FieldType<boolean> = {
  name: 'boolean',
  decode: (text) => text.toLowerCase() === 'true',
  encode: (value) => (value ? 'true' : 'false'),
}

/**
 * Message properties, kept as their UTF-8 bytes: the broker stores them as they came and looks into
 * them without making strings.
 */
export const propertyBytes: FieldType<Buffer> = {
  name: 'propertyBytes',
  decode: (text) => Buffer.from(text, 'utf8'),
  encode: (value) => value.toString('utf8'),
}

/** A field that the request cannot do without. */
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

function wholeNumber(text: string, field: string, min: number, max: number): number {
  const value = /^[+-]?\d{1,19}$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(value)) {
    throw new ProtocolError({
      what: `field ${field} is not a whole number: ${JSON.stringify(text.slice(0, 40))}`,
    })
  }
  if (value < min || value > max) {
    throw new ProtocolError({ what: `field ${field} is out of range: ${text}` })
  }
  // `-0` is 0, as for Java.
  return value === 0 ? 0 : value
}
