import type { OptionTable } from '@skylarkmq/protocol'
import { BadSetting } from './errors.ts'
import { nearest } from './nearest.ts'
import type { PropertyLine } from './properties-file.ts'
import { readValue } from './setting-value.ts'

/** Spellings that Apache has ignored since 4.5, and today's. */
const OLD_SPELLINGS: Readonly<Record<string, string>> = {
  mapedFileSizeCommitLog: 'mappedFileSizeCommitLog',
  mapedFileSizeConsumeQueue: 'mappedFileSizeConsumeQueue',
  mapedFileSizeConsumeQueueExt: 'mappedFileSizeConsumeQueueExt',
}

/** What the operator should know of one line of a configuration. */
export interface SettingNote {
  /**
   * `unknown`: neither Apache nor we have the key. `bad`: no such value. `ignored`: Apache's key, without effect here.
   * `comment`: a comment behind the value was cut off. `adjusted`: the value is not taken as it is written, or does not
   * what it says. `repeated`: a later line sets the key again.
   */
  readonly kind: 'unknown' | 'bad' | 'ignored' | 'comment' | 'adjusted' | 'repeated'
  readonly key: string
  /** `broker.conf, line 3`, or `--set`. */
  readonly where: string
  /** From 1; 0 on a command line. */
  readonly line: number
  /** What is the matter with it, in a sentence without the place and the key. */
  readonly says: string
  /** The key that may have been meant. */
  readonly nearest?: string
}

/** Settings as they were read: values by key, where each was set, and what there is to say of them. */
export interface ExaminedSettings {
  readonly values: Readonly<Record<string, unknown>>
  readonly places: Readonly<Record<string, Pick<SettingNote, 'where' | 'line'>>>
  readonly notes: readonly SettingNote[]
}

/** Settings as they were read: values by key, and what the operator should know. */
export interface Settings {
  readonly values: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
}

/** How settings are read. */
export interface ReadingOptions {
  /** Refuses unknown keys, too. */
  readonly isStrict?: boolean | undefined
  /** Passes over what only a server has to refuse, such as access control that is asked for and not built. */
  readonly servesNobody?: boolean | undefined
}

/**
 * Reads settings against a table of options. A key that Apache has and we do not implement is one
 * warning, as is an unknown key, which Apache passes over, with the nearest right name. A value of the wrong form is
 * ERR_CONFIG_SETTING, and so is an unknown key where `isStrict`.
 */
export function readSettings(
  lines: readonly PropertyLine[],
  table: OptionTable,
  source: string,
  options: ReadingOptions = {},
): Settings {
  const { values, notes } = examineSettings(lines, table, source, options)
  return { values, warnings: warningsOf(notes, source, options) }
}

/** What the operator should know of these notes. Throws ERR_CONFIG_SETTING for the first that is an error. */
export function warningsOf(
  notes: readonly SettingNote[],
  source: string,
  options: ReadingOptions = {},
): readonly string[] {
  const warnings: string[] = []
  for (const { kind, where, key, says } of notes) {
    if (kind === 'bad' || (kind === 'unknown' && options.isStrict === true)) {
      throw new BadSetting({ where, key, problem: says })
    }
    if (kind === 'unknown') warnings.push(`${where}: ${key} has no effect: ${says}`)
    if (TOLD_ONE_BY_ONE.has(kind)) warnings.push(`${where}: ${key}: ${says}`)
  }
  const withoutEffect = notes.filter(({ kind }) => kind === 'ignored').map(({ key }) => key)
  if (withoutEffect.length > 0) {
    warnings.push(`${source}: known to Apache, without effect here: ${withoutEffect.join(', ')}`)
  }
  return warnings
}

const TOLD_ONE_BY_ONE: ReadonlySet<SettingNote['kind']> = new Set([
  'comment',
  'adjusted',
  'repeated',
])

/**
 * Reads settings and notes all that there is to say of them, whatever is wrong.
 *
 * Apache takes a comment behind a value for a part of the value. Where the key's type proves that it is a
 * comment (`brokerId=0 # master`), or the value is an address, it is cut off, with a note. Of several lines with one key
 * the last counts, as in Apache, and what the others say is not looked at.
 */
export function examineSettings(
  lines: readonly PropertyLine[],
  table: OptionTable,
  source: string,
  { servesNobody = false }: ReadingOptions = {},
): ExaminedSettings {
  const values: Record<string, unknown> = {}
  const places: Record<string, Pick<SettingNote, 'where' | 'line'>> = {}
  const notes: SettingNote[] = []
  const last = new Map(lines.map((each) => [each.key, each]))
  for (const each of lines) {
    const { key, value, line } = each
    const where = line > 0 ? `${source}, line ${line}` : source
    const note = (kind: SettingNote['kind'], says: string, near?: string): void => {
      notes.push({ kind, key, where, line, says, ...(near === undefined ? {} : { nearest: near }) })
    }
    const option = Object.hasOwn(table, key) ? table[key] : undefined
    if (option === undefined) {
      const near = OLD_SPELLINGS[key] ?? nearest(key, Object.keys(table))
      note('unknown', unknownKey(key, near), near)
      continue
    }
    const counts = last.get(key)
    if (counts !== undefined && counts !== each) {
      const isTold = line > 0 && counts.value !== value
      if (isTold) note('repeated', `line ${counts.line} sets it to something else, and counts`)
      continue
    }
    if (option.kind === 'ignored') note('ignored', option.doc)
    const read = readValue(option, key, value)
    if ('problem' in read) {
      if (!(servesNobody && option.isRefusal === true)) note('bad', read.problem)
      continue
    }
    values[key] = read.value
    places[key] = { where, line }
    if (read.kind !== undefined) note(read.kind, read.says ?? '')
  }
  return { values, places, notes }
}

function unknownKey(key: string, near: string | undefined): string {
  if (OLD_SPELLINGS[key] !== undefined) {
    return `Apache has passed it over since 4.5, the key is ${near ?? ''} today`
  }
  if (near === undefined) return 'there is no such key in Apache RocketMQ or here'
  return `there is no such key; did you mean ${near}?`
}

/** Reads `key=value` of a command line. */
export function parseAssignment(text: string): PropertyLine {
  const equals = text.indexOf('=')
  if (equals < 1) {
    throw new BadSetting({ where: '--set', key: text, problem: 'it must be key=value' })
  }
  return { key: text.slice(0, equals).trim(), value: text.slice(equals + 1).trim(), line: 0 }
}
