import type { ResponseName } from '../codes/response-code.ts'
import type { Field, Fields } from './fields.ts'
import { ProtocolError } from '../errors.ts'

type ValueOf<F> = F extends Field<infer T> ? T : never
type RequiredKeys<F extends Fields> = {
  [K in keyof F]: F[K]['required'] extends true ? K : never
}[keyof F]

/** The TypeScript type of a header: required fields are there, optional ones may be undefined. */
export type Header<F extends Fields> = {
  -readonly [K in RequiredKeys<F>]: ValueOf<F[K]>
} & { -readonly [K in Exclude<keyof F, RequiredKeys<F>>]?: ValueOf<F[K]> | undefined }

/** One request of the protocol: its code, its fields, and the fields of its answer. */
export interface RequestDefinition<H extends Fields = Fields, R extends Fields = Fields> {
  readonly code: number
  readonly name: string
  /** What it asks for, in a sentence. */
  readonly doc: string
  /** Apache's files that define it. */
  readonly source: string
  readonly header: H
  readonly reply: R
  /** Wire name by field name, where they differ. */
  readonly wireNames?: Readonly<Record<string, string>>
  /**
   * Codes that its answer may have, beside SUCCESS and those that any answer may have: SYSTEM_ERROR, SYSTEM_BUSY,
   * INVALID_PARAMETER and NO_PERMISSION.
   */
  readonly refusals?: readonly ResponseName[]
  /** Usually sent without waiting for an answer. */
  readonly oneway?: boolean
  /** True where Apache fails on a number that it cannot parse. For all other requests it treats the field as absent. */
  readonly isStrict?: boolean
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- matches a definition of any fields
type AnyDefinition = RequestDefinition<any, any>

/** The type of the header of a request definition. */
export type HeaderOf<D extends AnyDefinition> = Header<D['header']>
/** The type of the header of its answer. */
export type ReplyHeaderOf<D extends AnyDefinition> = Header<D['reply']>

/** The fields of a header as they travel: text by wire name. */
export type FieldMap = Record<string, string>

interface CompiledField {
  readonly name: string
  readonly wireName: string
  readonly field: Field
}

interface Compiled {
  readonly header: readonly CompiledField[]
  readonly reply: readonly CompiledField[]
}

const compiled = new WeakMap<AnyDefinition, Compiled>()

/**
 * Declares a request once; types, codecs, validation and docs come from the row.
 */
export function defineRequest<const H extends Fields, const R extends Fields>(
  definition: RequestDefinition<H, R>,
): RequestDefinition<H, R> {
  const names = definition.wireNames ?? {}
  const list = (fields: Fields, wire: Readonly<Record<string, string>>): CompiledField[] =>
    Object.entries(fields).map(([name, field]) => ({ name, wireName: wire[name] ?? name, field }))
  compiled.set(definition, {
    header: list(definition.header, names),
    reply: list(definition.reply, {}),
  })
  return definition
}

/**
 * Reads a request's header from its text fields. Unknown fields are ignored, and so are invalid numbers unless the
 * request is strict. Throws a ProtocolError that names the field for a missing required field or an invalid name.
 */
export function decodeHeader<D extends AnyDefinition>(
  definition: D,
  fields: FieldMap,
): HeaderOf<D> {
  return decodeFields(compiledOf(definition).header, definition, fields) as HeaderOf<D>
}

/** Writes a request's header as text fields; omits undefined values. */
export function encodeHeader<D extends AnyDefinition>(
  definition: D,
  header: HeaderOf<D>,
): FieldMap {
  return encodeFields(compiledOf(definition).header, header)
}

/** Reads an answer's header; as `decodeHeader`. */
export function decodeReply<D extends AnyDefinition>(
  definition: D,
  fields: FieldMap,
): ReplyHeaderOf<D> {
  return decodeFields(compiledOf(definition).reply, definition, fields) as ReplyHeaderOf<D>
}

/** Writes an answer's header; as `encodeHeader`. */
export function encodeReply<D extends AnyDefinition>(
  definition: D,
  header: ReplyHeaderOf<D>,
): FieldMap {
  return encodeFields(compiledOf(definition).reply, header)
}

function compiledOf(definition: AnyDefinition): Compiled {
  const found = compiled.get(definition)
  if (found === undefined) throw new Error(`${definition.name} was not made by defineRequest`)
  return found
}

function decodeFields(
  table: readonly CompiledField[],
  { name: request, isStrict }: AnyDefinition,
  fields: FieldMap,
): unknown {
  const header: Record<string, unknown> = {}
  for (const { name, wireName, field } of table) {
    const text = fields[wireName]
    if (text !== undefined && (isStrict === true || isReadable(field, text))) {
      header[name] = field.type.decode(text, wireName)
    } else if (field.fallback !== undefined) {
      header[name] = field.fallback
    } else if (field.required) {
      // A text that cannot be read says by itself what is wrong with it.
      if (text !== undefined) field.type.decode(text, wireName)
      throw new ProtocolError({ what: `the request ${request} lacks the field ${wireName}` })
    }
  }
  return header
}

const isReadable = ({ type }: Field, text: string): boolean => type.isReadable?.(text) !== false

function encodeFields(table: readonly CompiledField[], header: Record<string, unknown>): FieldMap {
  const fields: FieldMap = {}
  for (const { name, wireName, field } of table) {
    const value = header[name]
    if (value !== undefined) fields[wireName] = field.type.encode(value)
  }
  return fields
}
