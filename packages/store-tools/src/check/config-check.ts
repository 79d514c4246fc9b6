import type { Disk } from '@skylarkmq/env'
import { ProtocolError, SystemTopic, parseFastjson } from '@skylarkmq/protocol'
import type { Findings } from './problem.ts'

/** The tables that a check reads. Undefined: missing or unreadable. */
export interface ConfigTables {
  readonly topics: ReadonlySet<string> | undefined
  /** Topics that store a batch as one record. */
  readonly batchTopics: ReadonlySet<string>
  readonly consumerOffsets: Readonly<Record<string, unknown>> | undefined
  readonly delayOffsets: Readonly<Record<string, unknown>> | undefined
}

/** Reads all JSON files of `config/` and reports unreadable ones. Throws the host's error. */
export function readConfig(disk: Disk, root: string, findings: Findings): ConfigTables {
  const tables = new Map<string, unknown>()
  const problems: [name: string, problem: string][] = []
  for (const { name, isDirectory } of disk.list(`${root}/config`)) {
    if (isDirectory || !/\.json(\.bak)?$/.test(name)) continue
    const file = readTable(disk, `${root}/config/${name}`)
    if (file.problem !== undefined) problems.push([name, file.problem])
    else tables.set(name, file.value)
  }
  for (const [name, problem] of problems) {
    const other = name.endsWith('.bak') ? name.slice(0, -'.bak'.length) : `${name}.bak`
    // A start uses the readable one of the two.
    if (tables.has(other)) findings.note(`config/${name} ${problem}; config/${other} is used`)
    else findings.report('config', `config/${name}`, problem)
  }
  const table = (name: string): unknown =>
    tables.get(`${name}.json`) ?? tables.get(`${name}.json.bak`)
  const topics = field(table('topics'), 'topicConfigTable')
  return {
    topics: topics === undefined ? undefined : new Set(Object.keys(topics)),
    batchTopics: new Set(Object.keys(topics ?? {}).filter((name) => isBatchTopic(topics?.[name]))),
    // With light message queues, all offsets are in a separate file.
    consumerOffsets: field(table('lmqConsumerOffset') ?? table('consumerOffset'), 'offsetTable'),
    delayOffsets: field(table('delayOffset'), 'offsetTable'),
  }
}

function isBatchTopic(topic: unknown): boolean {
  return field(topic, 'attributes')?.['queue.type'] === 'BatchCQ'
}

function readTable(disk: Disk, path: string): { value?: unknown; problem?: string } {
  const bytes = disk.readFile(path)
  if (bytes === undefined || bytes.length === 0) return { problem: 'is empty' }
  try {
    return { value: parseFastjson(bytes.toString('utf8')) }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { problem: `cannot be read: ${error.message}` }
  }
}

function field(table: unknown, name: string): Record<string, unknown> | undefined {
  const value = isObject(table) ? table[name] : undefined
  return isObject(value) ? value : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Queues, as `topic/queueId`, from which a group has consumed. */
export function readQueues(tables: ConfigTables): Set<string> {
  const found = new Set<string>()
  for (const [key, queues] of Object.entries(tables.consumerOffsets ?? {})) {
    const topic = key.slice(0, key.indexOf('@'))
    if (!isObject(queues)) continue
    for (const [id, offset] of Object.entries(queues)) {
      if (typeof offset === 'number' && offset > 0) found.add(`${topic}/${id}`)
    }
  }
  return found
}

/** An offset behind the end of its queue. */
export interface OffsetBehindEnd {
  /** `consumerOffset` or `delayOffset`. */
  readonly table: 'consumerOffset' | 'delayOffset'
  /** `topic@group`, or the delay level. */
  readonly key: string
  readonly topic: string
  readonly queueId: number
  readonly offset: number
  readonly end: number
}

/** Offsets of groups and delay levels that are behind the end of their queue. `endOf` returns that end, if known. */
export function offsetsBehindEnd(
  tables: ConfigTables,
  endOf: (topic: string, queueId: number) => number | undefined,
): OffsetBehindEnd[] {
  const found: OffsetBehindEnd[] = []
  for (const [key, queues] of Object.entries(tables.consumerOffsets ?? {})) {
    const topic = key.slice(0, key.indexOf('@'))
    if (!isObject(queues)) continue
    for (const [id, offset] of Object.entries(queues)) {
      const end = endOf(topic, Number(id))
      if (typeof offset !== 'number' || end === undefined || offset <= end) continue
      found.push({ table: 'consumerOffset', key, topic, queueId: Number(id), offset, end })
    }
  }
  for (const [key, offset] of Object.entries(tables.delayOffsets ?? {})) {
    const queueId = Number(key) - 1
    const end = endOf(SystemTopic.SCHEDULE, queueId)
    if (typeof offset !== 'number' || end === undefined || offset <= end) continue
    found.push({ table: 'delayOffset', key, topic: SystemTopic.SCHEDULE, queueId, offset, end })
  }
  return found
}
