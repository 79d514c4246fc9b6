import { LanguageCode, languageName, languageOrdinal } from '../codes/language-code.ts'
import { ProtocolError } from '../errors.ts'
import { parseFastjson } from '../json/parse-fastjson.ts'
import { quote } from '../json/stringify-fastjson.ts'
import type { FieldMap } from '../schema/define-request.ts'
import { type CommandToWrite, type RemotingCommand, Serialization } from './remoting-command.ts'

/**
 * Reads a JSON header as fastjson does: names in any case, numbers as text, what is not known ignored.
 * Apache: `RemotingSerializable.java`, `LanguageCode.java`.
 */
export function decodeJsonHeader(
  buffer: Buffer,
  start: number,
  end: number,
  body: Buffer | undefined,
): RemotingCommand {
  const header = parseFastjson(buffer.toString('utf8', start, end))
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new ProtocolError({ what: 'a header that is not an object' })
  }
  const names = header as Readonly<Record<string, unknown>>
  return {
    code: int(names, 'code'),
    language: language(field(names, 'language')),
    version: int(names, 'version'),
    opaque: int(names, 'opaque'),
    flag: int(names, 'flag'),
    remark: text(field(names, 'remark')),
    fields: fieldMap(field(names, 'extFields')),
    body,
    serialization: Serialization.JSON,
  }
}

function field(header: Readonly<Record<string, unknown>>, name: string): unknown {
  const value = header[name]
  if (value !== undefined) return value
  const lower = name.toLowerCase()
  for (const key of Object.keys(header)) {
    if (key.length === lower.length && key.toLowerCase() === lower) return header[key]
  }
  return undefined
}

function int(header: Readonly<Record<string, unknown>>, name: string): number {
  const value = field(header, name)
  if (value === undefined || value === null || value === '') return 0
  const number = typeof value === 'string' && /^[+-]?\d{1,11}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || (number | 0) !== number) {
    throw new ProtocolError({ what: `${name} of the header is not a 32-bit number` })
  }
  return number | 0
}

function language(value: unknown): number | undefined {
  if (value === undefined) return LanguageCode.JAVA
  if (typeof value === 'string') {
    const ordinal = languageOrdinal(value)
    if (ordinal !== undefined || !/^\d{1,3}$/.test(value)) return ordinal
  }
  const ordinal = Number(value)
  return languageName(ordinal) === undefined ? undefined : ordinal
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return JSON.stringify(value)
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
  for (const [name, each] of Object.entries(value)) {
    const coercedText = text(each)
    if (coercedText !== undefined) entries.push([name, coercedText])
  }
  return Object.fromEntries(entries)
}

/** Writes a header as fastjson does: names in alphabetical order, nothing that is not there. */
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
