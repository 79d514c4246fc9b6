import type { Env } from '@skylarkmq/env'
import { isLmqTopic, type DataVersion } from '@skylarkmq/protocol'
import { VersionCounter } from '../data-version.ts'
import { JsonFile, SavedTable } from '../json-table.ts'

type OffsetsByQueue = Map<number, number>

/**
 * Where each group goes on in each queue, saved in config/consumerOffset.json every few seconds; the
 * file may be behind after a crash, never ahead. Apache: `ConsumerOffsetManager.java`.
 */
export class ConsumerOffsetTable {
  readonly #committed = new Map<string, OffsetsByQueue>()
  /** How far a group has pulled, whatever it has committed; not saved. */
  readonly #pulled = new Map<string, OffsetsByQueue>()
  /** A reset that waits for the group's next pull of the queue. */
  readonly #resets = new Map<string, OffsetsByQueue>()
  readonly #version: VersionCounter
  readonly #saved: SavedTable
  readonly #hasLightQueues: boolean

  /**
   * Reads the file. With `hasLightQueues` the offsets of groups that are named as light message queues are a table of
   * their own in it. Throws ERR_BROKER_CONFIG_FILE.
   */
  constructor(env: Env, path: string, hasLightQueues = false) {
    this.#hasLightQueues = hasLightQueues
    this.#version = new VersionCounter(env)
    const file = new JsonFile(env, path)
    this.#saved = new SavedTable(file, () => this.#content())
    this.#restore(file.load())
  }

  /** The version of the table. */
  get dataVersion(): DataVersion {
    return this.#version.value
  }

  /** The next offset to consume; undefined when the group never committed one. */
  committed(group: string, topic: string, queueId: number): number | undefined {
    return (
      this.#resets.get(keyOf(topic, group))?.get(queueId) ??
      this.#committed.get(keyOf(topic, group))?.get(queueId)
    )
  }

  /** Notes how far a group has come. A reset that waits takes precedence: then nothing is noted, and false comes back. */
  commit(group: string, topic: string, queueId: number, offset: number): boolean {
    const key = keyOf(topic, group)
    if (this.#resets.get(key)?.has(queueId) === true) return false
    set(this.#committed, key, queueId, offset)
    this.#saved.changed()
    return true
  }

  /** Notes how far a group has pulled; for statistics. */
  pulled(group: string, topic: string, queueId: number, offset: number): void {
    set(this.#pulled, keyOf(topic, group), queueId, offset)
  }

  /** How far a group has pulled; undefined when it has not, since the start. */
  pulledOffset(group: string, topic: string, queueId: number): number | undefined {
    return this.#pulled.get(keyOf(topic, group))?.get(queueId)
  }

  /** Moves a group, wherever its consumers are: their next pull of the queue is told. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    const key = keyOf(topic, group)
    set(this.#committed, key, queueId, offset)
    set(this.#resets, key, queueId, offset)
    this.#saved.changed()
  }

  /** The reset that waits for a pull of this queue, which takes it; undefined when none does. */
  takeReset(group: string, topic: string, queueId: number): number | undefined {
    const resets = this.#resets.get(keyOf(topic, group))
    const offset = resets?.get(queueId)
    if (offset !== undefined) resets?.delete(queueId)
    return offset
  }

  /** Committed offsets of a group on a topic, by queue. */
  ofTopic(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#committed.get(keyOf(topic, group)) ?? new Map<number, number>()
  }

  /** Topics on which a group has committed. */
  topicsOf(group: string): Set<string> {
    return this.#other(group, 1)
  }

  /** Groups that have committed on a topic. */
  groupsOf(topic: string): Set<string> {
    return this.#other(topic, 0)
  }

  /** Copies a group's offsets of a topic to another group. */
  clone(source: string, target: string, topic: string): void {
    const offsets = this.#committed.get(keyOf(topic, source))
    if (offsets === undefined) return
    this.#committed.set(keyOf(topic, target), new Map(offsets))
    this.#saved.changed()
  }

  /** Forgets all of a group. */
  deleteGroup(group: string): void {
    for (const topic of this.topicsOf(group)) this.#delete(keyOf(topic, group))
  }

  /**
   * Takes back offsets that lie behind the end of their queue, after messages were lost by a crash: the next ones
   * get those offsets, and a group must not pass them over. Returns how many.
   */
  clamp(offsetMax: (topic: string, queueId: number) => number): number {
    let count = 0
    for (const [key, queues] of this.#committed) {
      const [topic] = splitKey(key)
      for (const [queueId, offset] of queues) {
        const max = offsetMax(topic, queueId)
        if (offset <= max) continue
        queues.set(queueId, max)
        count++
      }
    }
    if (count > 0) this.#saved.changed()
    return count
  }

  /** Forgets all groups' offsets of a topic. */
  deleteTopic(topic: string): void {
    for (const group of this.groupsOf(topic)) this.#delete(keyOf(topic, group))
  }

  /** Every committed offset: `topic@group` → queue → offset. */
  get all(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.#committed
  }

  /** Writes the file if anything changed. */
  save(): void {
    this.#saved.save()
  }

  /** Resolves once what was saved is on disk, or could not be brought there. */
  settled(): Promise<void> {
    return this.#saved.settled()
  }

  #delete(key: string): void {
    this.#committed.delete(key)
    this.#pulled.delete(key)
    this.#resets.delete(key)
    this.#saved.changed()
  }

  /** The other half of the keys `topic@group` in which `name` is the half `1 - half`. */
  #other(name: string, half: 0 | 1): Set<string> {
    const found = new Set<string>()
    for (const key of this.#committed.keys()) {
      const parts = splitKey(key)
      if (parts[half === 0 ? 0 : 1] === name) found.add(parts[half === 0 ? 1 : 0])
    }
    return found
  }

  /** Apache: `ConsumerOffsetManager.java`; `LmqConsumerOffsetManager.java`. */
  #content(): unknown {
    const offsetTable: Record<string, Record<string, number>> = {}
    const lmqOffsetTable: Record<string, number> = {}
    for (const [key, queues] of this.#committed) {
      const [, group] = splitKey(key)
      if (this.#hasLightQueues && isLmqTopic(group)) lmqOffsetTable[key] = queues.get(0) ?? 0
      else offsetTable[key] = Object.fromEntries(queues)
    }
    if (this.#hasLightQueues) {
      return { dataVersion: this.#version.value, lmqOffsetTable, offsetTable }
    }
    return { dataVersion: this.#version.value, offsetTable }
  }

  #restore(content: unknown): void {
    if (content === undefined) return
    const { dataVersion, offsetTable, lmqOffsetTable } = content as {
      dataVersion?: Partial<DataVersion>
      offsetTable?: Record<string, Record<string, number>>
      lmqOffsetTable?: Record<string, number>
    }
    this.#version.restore(dataVersion)
    for (const [key, offset] of Object.entries(lmqOffsetTable ?? {})) {
      set(this.#committed, key, 0, offset)
    }
    for (const [key, queues] of Object.entries(offsetTable ?? {})) {
      for (const [queueId, offset] of Object.entries(queues)) {
        set(this.#committed, key, Number(queueId), offset)
      }
    }
  }
}

function set(
  table: Map<string, OffsetsByQueue>,
  key: string,
  queueId: number,
  offset: number,
): void {
  const queues = table.get(key) ?? new Map<number, number>()
  if (queues.size === 0) table.set(key, queues)
  queues.set(queueId, offset)
}

function keyOf(topic: string, group: string): string {
  return `${topic}@${group}`
}

/** A topic has no `@` (the name rule), so the first one divides. */
function splitKey(key: string): [topic: string, group: string] {
  const at = key.indexOf('@')
  return [key.slice(0, at), key.slice(at + 1)]
}
