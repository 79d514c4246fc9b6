import { LanguageCode, languageName, languageOrdinal } from '../codes/language-code.ts'
import { ProtocolError } from '../errors.ts'
import { parseFastjson } from '../json/parse-fastjson.ts'
import { quote, stringifyFastjson } from '../json/stringify-fastjson.ts'
import type { FieldMap } from '../schema/define-request.ts'
import { FIELDS_MAX } from './frame-decoder.ts'
import { type CommandToWrite, type RemotingCommand, Serialization } from './remoting-command.ts'

/** A header has plain values, and fields in `extFields`; a deeper value becomes text again, as in fastjson. */
const LIMITS = { depth: 8, names: FIELDS_MAX }

/**
 * Reads a JSON header as fastjson does: names in any case, numbers as text, unknown names ignored. Throws a
 * ProtocolError for a value of a wrong type, and for more content than a header may have.
 * Apache: `RemotingSerializable.java`, `LanguageCode.java`.
 */
export function decodeJsonHeader(
  buffer: Buffer,
  start: number,
  end: number,
  body: Buffer | undefined,
): RemotingCommand {
  const header = parseFastjson(buffer.toString('utf8', start, end), LIMITS)
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new ProtocolError({ what: 'a header that is not an object' })
  }
  const values = valuesOf(header)
  return {
    code: int(values, 'code'),
    language: language(values.language),
    version: int(values, 'version'),
    opaque: int(values, 'opaque'),
    flag: int(values, 'flag'),
    remark: text(values.remark, 'remark'),
    fields: fieldMap(values.extFields),
    body,
    serialization: Serialization.JSON,
  }
}

/** The content of a header, by name. */
interface HeaderValues {
  code?: unknown
  language?: unknown
  version?: unknown
  opaque?: unknown
  flag?: unknown
  remark?: unknown
  extFields?: unknown
}

const NAMES = ['code', 'language', 'version', 'opaque', 'flag', 'remark', 'extFields'] as const
const NAME_OF_LOWER = new Map(NAMES.map((name) => [name.toLowerCase(), name]))
const NAME_LENGTH_MAX = Math.max(...NAMES.map((name) => name.length))

/** A name in the right case takes precedence over others; of those, the first counts. */
function valuesOf(header: object): HeaderValues {
  const values: HeaderValues = {}
  for (const name of NAMES) {
    if (Object.hasOwn(header, name)) values[name] = (header as HeaderValues)[name]
  }
  for (const [written, value] of Object.entries(header)) {
    if (written.length > NAME_LENGTH_MAX) continue
    const name = NAME_OF_LOWER.get(written.toLowerCase())
    if (name !== undefined) values[name] ??= value
  }
  return values
}

function int(values: HeaderValues, name: 'code' | 'version' | 'opaque' | 'flag'): number {
  const value = values[name]
  if (value === undefined || value === null || value === '') return 0
  const number = typeof value === 'string' && /^[+-]?\d{1,11}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || (number | 0) !== number) {
    throw new ProtocolError({ what: `${name} of the header is not a 32-bit number` })
  }
  return number | 0
}

function language(value: unknown): number | undefined {
  if (value === undefined) return LanguageCode.JAVA
  if (value === null) return undefined
  if (typeof value === 'string') {
    const ordinal = languageOrdinal(value)
    if (ordinal !== undefined || !/^\d{1,3}$/.test(value)) return ordinal
  } else if (typeof value !== 'number') {
    throw new ProtocolError({ what: 'language of the header is neither a name nor a number' })
  }
  const ordinal = Number(value)
  return languageName(ordinal) === undefined ? undefined : ordinal
}

function text(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new ProtocolError({ what: `${name} of the header is not text` })
}

function fieldMap(value: unknown): FieldMap | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Map) {
    throw new ProtocolError({ what: 'extFields of the header is not an object' })
  }
  for (const each of Object.values(value)) {
    if (typeof each !== 'string') return coerced(value)
  }
  return value as FieldMap
}

function coerced(value: object): FieldMap {
  const entries: [string, string][] = []
  for (const [name, each] of Object.entries(value) as [string, unknown][]) {
    if (each === undefined || each === null) continue
    entries.push([name, typeof each === 'string' ? each : stringifyFastjson(each)])
  }
  return Object.fromEntries(entries)
}

/** Writes a header as fastjson does: names in alphabetical order, absent values omitted. */
export function jsonHeader(command: CommandToWrite): string {
  const json = command.fieldsJson ?? (command.fields && jsonFields(command.fields))
  const fields = json === undefined ? '' : `,"extFields":${json}`
  const remark = command.remark === undefined ? '' : `,"remark":${quote(command.remark)}`
  const language = languageName(command.language) ?? 'JAVA'
  return (
    `{"code":${command.code}${fields},"flag":${command.flag},"language":"${language}",` +
    `"opaque":${command.opaque}${remark},"serializeTypeCurrentRPC":"JSON","version":${command.version}}`
  )
}

function jsonFields(fields: FieldMap): string {
  let json = '{'
  for (const name of Object.keys(fields).sort()) {
    json += `${json.length > 1 ? ',' : ''}${quote(name)}:${quote(fields[name] as string)}`
  }
  return `${json}}`
}
