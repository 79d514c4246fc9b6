import { ProtocolError } from '../errors.ts'
import { parseFastjson } from '../json/parse-fastjson.ts'
import { stringifyFastjson } from '../json/stringify-fastjson.ts'
import type { NameType } from '../schema/name-fields.ts'

/**
 * How a part of a JSON body is read: from what `parseFastjson` returned to a value of a known type. An absent or null
 * part becomes the shape's default, as in a new Java object; a part of another kind is a ProtocolError that names the
 * place.
 */
export interface Shape<T> {
  readonly read: (value: unknown, at: string) => T
}

/** A body of JSON text in UTF-8. */
export interface JsonBody<T> {
  /** Reads a body; an absent one is like `{}`. Throws a ProtocolError when it is invalid. */
  readonly decode: (bytes: Uint8Array | undefined) => T
  /** Writes a body in fastjson's form, see `stringifyFastjson`. */
  readonly encode: (value: T) => Buffer
  /** Reads a parsed JSON value. */
  readonly read: (value: unknown) => T
}

/** Creates the codec of a body from its shape; `name` is for error messages. */
export function jsonBody<T>(name: string, shape: Shape<T>): JsonBody<T> {
  return {
    decode: (bytes) => shape.read(bytes === undefined ? {} : parseFastjson(textOf(bytes)), name),
    encode: (value) => Buffer.from(stringifyFastjson(value), 'utf8'),
    read: (value) => shape.read(value, name),
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

const absent = (value: unknown): value is null | undefined => value === undefined || value === null
/** Absent, or the empty text, which Java's JSON treats as null where an object is expected. */
const isNothing = (value: unknown): value is null | undefined | '' => absent(value) || value === ''

function wrong(at: string, expected: string, found: unknown): ProtocolError {
  return new ProtocolError({ what: `${at} is not ${expected} but ${typeof found}` })
}

/** Text; '' when absent. */
export const text: Shape<string> = {
  read: (value, at) => {
    if (absent(value)) return ''
    if (typeof value === 'string') return value
    if (typeof value !== 'number' && typeof value !== 'boolean') throw wrong(at, 'text', value)
    return String(value)
  },
}

/** A number, also as text; 0 when absent. */
export const number: Shape<number> = numberOr(0)

/** A number, also as text, with a default. */
export function numberOr(fallback: number): Shape<number> {
  return {
    read: (value, at) => {
      if (absent(value) || value === '') return fallback
      const result = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN
      if (Number.isNaN(result)) throw wrong(at, 'a number', value)
      return result
    },
  }
}

/** A number that is a 32-bit integer in Java, also as text; 0 when absent. */
export const int: Shape<number> = intOr(0)

/** A number that is a 32-bit integer in Java, also as text, with a default. */
export function intOr(fallback: number): Shape<number> {
  const shape = numberOr(fallback)
  return {
    read: (value, at) => {
      const result = shape.read(value, at)
      if (result > 0x7fffffff || result < -0x80000000) throw wrong(at, 'a 32-bit number', value)
      return result
    },
  }
}

/** True or false, also as text or number; false when absent. */
export const flag: Shape<boolean> = flagOr(false)

/** True or false, also as text or number, with a default. */
export function flagOr(fallback: boolean): Shape<boolean> {
  return {
    read: (value, at) => {
      if (absent(value)) return fallback
      if (typeof value === 'boolean') return value
      if (typeof value === 'number' && Math.abs(value) <= 0x7fffffff) return value === 1
      const known = typeof value === 'string' ? FLAGS.get(value.toLowerCase()) : undefined
      if (known === undefined) throw wrong(at, 'true or false', value)
      return known === 'default' ? fallback : known
    },
  }
}

/** Texts that Java's JSON accepts as true or false, in lower case. */
const FLAGS: ReadonlyMap<string, boolean | 'default'> = new Map<string, boolean | 'default'>([
  ['true', true],
  ['1', true],
  ['y', true],
  ['t', true],
  ['false', false],
  ['0', false],
  ['n', false],
  ['f', false],
  ['', 'default'],
  ['null', 'default'],
])

/** One of a few words; the default when absent or another word. Anything but text is an error. */
export function word<const W extends string>(words: readonly W[], fallback: W): Shape<W> {
  return {
    read: (value, at) => {
      if (absent(value)) return fallback
      if (typeof value !== 'string') throw wrong(at, `one of ${words.join(', ')}`, value)
      return words.find((each) => each === value) ?? fallback
    },
  }
}

/** One of a few words; anything else is an error. */
export function exactWord<const W extends string>(words: readonly W[]): Shape<W> {
  return {
    read: (value, at) => {
      const found = words.find((each) => each === value)
      if (found === undefined) throw wrong(at, `one of ${words.join(', ')}`, value)
      return found
    },
  }
}

/** A name of the type, validated as in a header field; '' when absent. */
export function named(type: NameType): Shape<string> {
  return { read: (value, at) => type.decode(text.read(value, at), at) }
}

/** A required part. */
export function needed<T>(shape: Shape<T>): Shape<T> {
  return {
    read: (value, at) => {
      if (absent(value)) throw new ProtocolError({ what: `${at} is missing` })
      return shape.read(value, at)
    },
  }
}

/** A required object. */
export function present<T>(shape: Shape<T>): Shape<T> {
  const there = needed(shape)
  return { read: (value, at) => there.read(value === '' ? null : value, at) }
}

/** A table for which an empty text counts as absent, too. */
export function orEmptyText<T>(shape: Shape<T>): Shape<T> {
  return { read: (value, at) => shape.read(value === '' ? undefined : value, at) }
}

/** A part that may be absent but not null. */
export function notNull<T>(shape: Shape<T>): Shape<T> {
  return {
    read: (value, at) => {
      if (value === null) throw new ProtocolError({ what: `${at} is null` })
      return shape.read(value, at)
    },
  }
}

/** A part that may be absent; then it is undefined. */
export function maybe<T>(shape: Shape<T>): Shape<T | undefined> {
  return { read: (value, at) => (absent(value) ? undefined : shape.read(value, at)) }
}

/** A list, or a set in Java; empty when absent. */
export function list<T>(item: Shape<T>): Shape<T[]> {
  return {
    read: (value, at) => {
      if (absent(value)) return []
      if (!Array.isArray(value)) throw wrong(at, 'a list', value)
      return value.map((each, i) => item.read(each, `${at}[${i}]`))
    },
  }
}

/** An object whose names are data: a Map in the order written; empty when absent. */
export function mapOf<T>(item: Shape<T>): Shape<Map<string, T>> {
  return { read: (value, at) => readMap(value, at, String, item) }
}

/** As `mapOf`, with numbers as names, quoted or not. */
export function mapByNumber<T>(item: Shape<T>): Shape<Map<number, T>> {
  const key = (name: unknown, at: string): number => number.read(name, at)
  return { read: (value, at) => readMap(value, at, key, item) }
}

/** As `mapOf`, with objects as names, which standard JSON does not allow. */
export function mapByObject<K, T>(key: Shape<K>, item: Shape<T>): Shape<Map<K, T>> {
  return { read: (value, at) => readMap(value, at, (name) => key.read(name, `${at} name`), item) }
}

function readMap<K, T>(
  value: unknown,
  at: string,
  key: (name: unknown, at: string) => K,
  item: Shape<T>,
): Map<K, T> {
  const map = new Map<K, T>()
  if (absent(value)) return map
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(at, 'an object', value)
  const entries = value instanceof Map ? value : Object.entries(value)
  for (const [name, each] of entries as Iterable<[unknown, unknown]>) {
    map.set(key(name, at), item.read(each, `${at}.${String(name)}`))
  }
  return map
}

/** The shapes of an object's parts. */
export type Parts<T> = { readonly [K in keyof T]-?: Shape<T[K]> }

/**
 * An object with known parts; names in another case are accepted, other names are ignored. An undefined part does not
 * appear in the result.
 */
export function object<T extends object>(parts: Parts<T>): Shape<T> {
  const table = Object.entries<Shape<unknown>>(parts)
  return {
    read: (value, at) => {
      const isAbsent = isNothing(value)
      if (!isAbsent && (typeof value !== 'object' || Array.isArray(value))) {
        throw wrong(at, 'an object', value)
      }
      const found = (isAbsent ? {} : value) as Readonly<Record<string, unknown>>
      const result: Record<string, unknown> = {}
      for (const [name, shape] of table) {
        const part = shape.read(found[name] ?? otherCase(found, name), `${at}.${name}`)
        if (part !== undefined) result[name] = part
      }
      return result as T
    },
  }
}

function otherCase(found: Readonly<Record<string, unknown>>, name: string): unknown {
  const lower = name.toLowerCase()
  for (const key of Object.keys(found)) {
    if (key.length === lower.length && key.toLowerCase() === lower) return found[key]
  }
  return undefined
}

/** Bytes as Base64 text; empty when absent. */
export const base64: Shape<Buffer> = {
  read: (value, at) => Buffer.from(text.read(value, at), 'base64'),
}
