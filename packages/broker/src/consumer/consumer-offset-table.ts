import type { Env } from '@skylarkmq/env'
import {
  consumerOffsetTableBody,
  isLmqTopic,
  isSystemGroup,
  type ConsumerOffsetTable as SavedOffsets,
  type DataVersion,
  type TableLimit,
} from '@skylarkmq/protocol'
import { VersionCounter } from '../data-version.ts'
import { JsonFile, SavedTable } from '../json-table.ts'
import { noLimits } from '../table-limits.ts'

type OffsetsByQueue = Map<number, number>

/**
 * Where each group continues in each queue, saved in config/consumerOffset.json every few seconds; the
 * file may be behind after a crash, never ahead. Apache: `ConsumerOffsetManager.java`.
 */
export class ConsumerOffsetTable {
  readonly #committed = new Map<string, OffsetsByQueue>()
  /** The topics of each group's offsets, and the groups of each topic's. */
  readonly #topicsOf = new Map<string, Set<string>>()
  readonly #groupsOf = new Map<string, Set<string>>()
  /** How far a group has pulled, whatever it has committed; not saved. */
  readonly #pulled = new Map<string, OffsetsByQueue>()
  /** A reset that waits for the group's next pull of the queue. */
  readonly #resets = new Map<string, OffsetsByQueue>()
  readonly #version: VersionCounter
  readonly #saved: SavedTable
  readonly #hasLightQueues: boolean
  readonly #limit: TableLimit
  #committedCount = 0
  #pulledCount = 0

  /**
   * Reads the file. With `hasLightQueues` the offsets of groups that are named as light message queues are a table of
   * their own in it. `limit` bounds the number of offsets. Throws ERR_BROKER_CONFIG_FILE.
   */
  constructor(env: Env, path: string, hasLightQueues = false, limit = noLimits.offsets) {
    this.#hasLightQueues = hasLightQueues
    this.#limit = limit
    this.#version = new VersionCounter(env)
    const file = new JsonFile(env, path)
    this.#saved = new SavedTable(env, file, () => this.#content())
    this.#restore(file.load(consumerOffsetTableBody))
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

  /** Why a group's offset in a queue cannot be noted, in a sentence; undefined when it can. */
  problem(group: string, topic: string, queueId: number): string | undefined {
    if (this.#committed.get(keyOf(topic, group))?.has(queueId) === true) return undefined
    return this.#limit.problem(this.#committedCount + 1)
  }

  /**
   * Notes how far a group has come. A reset that waits takes precedence: then nothing is noted, and false comes back.
   * Where there is no room for it nothing is noted either; who has to answer asks `problem` first.
   */
  commit(group: string, topic: string, queueId: number, offset: number): boolean {
    const key = keyOf(topic, group)
    if (this.#resets.get(key)?.has(queueId) === true) return false
    if (this.#set(key, group, topic, queueId, offset)) this.#saved.changed()
    return true
  }

  /** Notes how far a group has pulled; for statistics. */
  pulled(group: string, topic: string, queueId: number, offset: number): void {
    const key = keyOf(topic, group)
    const queues = this.#pulled.get(key) ?? new Map<number, number>()
    if (!queues.has(queueId)) {
      if (this.#limit.problem(this.#pulledCount + 1) !== undefined) return
      this.#pulledCount++
      if (queues.size === 0) this.#pulled.set(key, queues)
    }
    queues.set(queueId, offset)
  }

  /** How far a group has pulled; undefined when it has not, since the start. */
  pulledOffset(group: string, topic: string, queueId: number): number | undefined {
    return this.#pulled.get(keyOf(topic, group))?.get(queueId)
  }

  /** Moves a group, wherever its consumers are: their next pull of the queue is told. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    const key = keyOf(topic, group)
    if (!this.#set(key, group, topic, queueId, offset)) return
    set(this.#resets, key, queueId, offset)
    this.#saved.changed()
  }

  /** The reset that waits for a pull of this queue, which takes it; undefined when none does. */
  takeReset(group: string, topic: string, queueId: number): number | undefined {
    if (this.#resets.size === 0) return undefined
    const key = keyOf(topic, group)
    const resets = this.#resets.get(key)
    const offset = resets?.get(queueId)
    if (offset !== undefined) resets?.delete(queueId)
    if (resets?.size === 0) this.#resets.delete(key)
    return offset
  }

  /** Committed offsets of a group on a topic, by queue. */
  ofTopic(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#committed.get(keyOf(topic, group)) ?? new Map<number, number>()
  }

  /** Topics on which a group has committed. */
  topicsOf(group: string): ReadonlySet<string> {
    return this.#topicsOf.get(group) ?? new Set<string>()
  }

  /** Groups that have committed on a topic. */
  groupsOf(topic: string): ReadonlySet<string> {
    return this.#groupsOf.get(topic) ?? new Set<string>()
  }

  /** Copies a group's offsets of a topic to another group; as many of them as there is room for. */
  clone(source: string, target: string, topic: string): void {
    const offsets = this.#committed.get(keyOf(topic, source))
    if (offsets === undefined || source === target) return
    const key = keyOf(topic, target)
    this.#forgetCommitted(key, target, topic)
    for (const [queueId, offset] of offsets) this.#set(key, target, topic, queueId, offset)
    this.#saved.changed()
  }

  /** Forgets all of a group. */
  deleteGroup(group: string): void {
    for (const topic of [...this.topicsOf(group)]) this.#delete(group, topic)
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
    for (const group of [...this.groupsOf(topic)]) this.#delete(group, topic)
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

  #delete(group: string, topic: string): void {
    const key = keyOf(topic, group)
    this.#forgetCommitted(key, group, topic)
    this.#pulledCount -= this.#pulled.get(key)?.size ?? 0
    this.#pulled.delete(key)
    this.#resets.delete(key)
    this.#saved.changed()
  }

  #forgetCommitted(key: string, group: string, topic: string): void {
    this.#committedCount -= this.#committed.get(key)?.size ?? 0
    this.#committed.delete(key)
    leave(this.#topicsOf, group, topic)
    leave(this.#groupsOf, topic, group)
  }

  /** False when there is no room. The broker's own groups always have some. */
  #set(key: string, group: string, topic: string, queueId: number, offset: number): boolean {
    const queues = this.#committed.get(key)
    if (queues?.has(queueId) === true) {
      queues.set(queueId, offset)
      return true
    }
    const isFull = this.#limit.problem(this.#committedCount + 1) !== undefined
    if (isFull && !isSystemGroup(group)) return false
    this.#add(key, group, topic, queueId, offset)
    return true
  }

  #add(key: string, group: string, topic: string, queueId: number, offset: number): void {
    const before = this.#committed.get(key)
    const queues = before ?? new Map<number, number>()
    if (before === undefined) {
      this.#committed.set(key, queues)
      join(this.#topicsOf, group, topic)
      join(this.#groupsOf, topic, group)
    }
    if (!queues.has(queueId)) this.#committedCount++
    queues.set(queueId, offset)
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

  #restore(content: SavedOffsets | undefined): void {
    if (content === undefined) return
    this.#version.restore(content.dataVersion)
    for (const [key, offset] of content.lmqOffsetTable ?? []) {
      const [topic, group] = splitKey(key)
      this.#add(key, group, topic, 0, offset)
    }
    for (const [key, queues] of content.offsetTable) {
      const [topic, group] = splitKey(key)
      for (const [queueId, offset] of queues) this.#add(key, group, topic, queueId, offset)
    }
  }
}

function join(table: Map<string, Set<string>>, key: string, name: string): void {
  const names = table.get(key)
  if (names === undefined) table.set(key, new Set([name]))
  else names.add(name)
}

function leave(table: Map<string, Set<string>>, key: string, name: string): void {
  const names = table.get(key)
  names?.delete(name)
  if (names?.size === 0) table.delete(key)
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
