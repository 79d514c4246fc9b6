import type { Option, OptionTable } from '@skylarkmq/protocol'
import { BadSetting } from './errors.ts'
import { nearest } from './nearest.ts'
import type { PropertyLine } from './properties-file.ts'

/** Spellings that Apache has ignored since 4.5, and today's. */
const OLD_SPELLINGS: Readonly<Record<string, string>> = {
  mapedFileSizeCommitLog: 'mappedFileSizeCommitLog',
  mapedFileSizeConsumeQueue: 'mappedFileSizeConsumeQueue',
  mapedFileSizeConsumeQueueExt: 'mappedFileSizeConsumeQueueExt',
}

/** Settings as they were read: values by key, and what the operator should know. */
export interface Settings {
  readonly values: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
}

/**
 * Reads settings against a table of options. A key that Apache has and we do not implement is one
 * warning; an unknown key, or a value of the wrong form, is ERR_CONFIG_SETTING with the nearest right name.
 *
 * Apache takes a comment behind a value for a part of the value. Where the key's type proves that it is a
 * comment (`brokerId=0 # master`), or the value is an address, it is cut off, with a warning.
 */
export function readSettings(
  lines: readonly PropertyLine[],
  table: OptionTable,
  source: string,
): Settings {
  const values: Record<string, unknown> = {}
  const warnings: string[] = []
  const withoutEffect: string[] = []
  for (const { key, value, line } of lines) {
    const where = line > 0 ? `${source}, line ${line}` : source
    const today = OLD_SPELLINGS[key]
    if (today !== undefined) {
      warnings.push(
        `${where}: ${key} has no effect, as in Apache since 4.5; the key is ${today} today`,
      )
      continue
    }
    const option = table[key]
    if (option === undefined) throw unknownKey(where, key, table)
    if (option.kind === 'ignored') withoutEffect.push(key)
    values[key] = readValue(option, key, value, where, warnings)
  }
  if (withoutEffect.length > 0) {
    warnings.push(`${source}: known to Apache, without effect here: ${withoutEffect.join(', ')}`)
  }
  return { values, warnings }
}

function readValue(
  option: Option<unknown>,
  key: string,
  text: string,
  where: string,
  warnings: string[],
): unknown {
  const bare = withoutComment(text)
  const isAddress = /^(brokerIP\d|namesrvAddr|bindAddress|haMasterAddress)$/.test(key)
  const whole =
    isAddress && bare !== text ? { problem: 'it ends in a comment' } : option.parse(text)
  if ('value' in whole) return whole.value
  const cut = bare === text ? whole : option.parse(bare)
  if ('problem' in cut)
    throw new BadSetting({ where, key, problem: `${whole.problem}, not ${JSON.stringify(text)}` })
  warnings.push(
    `${where}: ${key}: the comment behind the value is not part of it here; Apache would take it for one`,
  )
  return cut.value
}

/** `127.0.0.1 # comment` → `127.0.0.1` */
function withoutComment(text: string): string {
  return text.replace(/\s+[#!;].*$|\s+\/\/.*$/u, '').trim()
}

function unknownKey(where: string, key: string, table: OptionTable): BadSetting {
  const near = nearest(key, Object.keys(table))
  const problem =
    near === undefined
      ? 'there is no such key in Apache RocketMQ or here'
      : `there is no such key; did you mean ${near}?`
  return new BadSetting({ where, key, problem })
}

/** Reads `key=value` of a command line. */
export function parseAssignment(text: string): PropertyLine {
  const equals = text.indexOf('=')
  if (equals < 1) {
    throw new BadSetting({ where: '--set', key: text, problem: 'it must be key=value' })
  }
  return { key: text.slice(0, equals).trim(), value: text.slice(equals + 1).trim(), line: 0 }
}
