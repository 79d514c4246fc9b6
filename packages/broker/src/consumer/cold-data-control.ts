import type { Clock } from '@skylarkmq/env'
import { groupProblem, isSystemPullGroup, type TableLimit } from '@skylarkmq/protocol'
import type { StoreConfig } from '@skylarkmq/store'
import type { BrokerConfig } from '../options.ts'
import { noLimits } from '../table-limits.ts'

/** A group that has read nothing cold for this long is forgotten. */
const RESIDE_MS = 60_000

interface ColdRead {
  bytes: number
  lastMs: number
  readonly sinceMs: number
}

/**
 * Counts what each group reads of the log's old part, and knows which group has read enough of it for now. Old is what
 * lies further behind the end of the log than `accessMessageInMemoryHotRatio` of the host's memory. Counts restart
 * every five seconds. Apache: `ColdDataCgCtrService.java`.
 */
export class ColdDataControl {
  readonly #clock: Clock
  readonly #config: BrokerConfig & StoreConfig
  readonly #read = new Map<string, ColdRead>()
  readonly #thresholds = new Map<string, number>()
  readonly #limit: TableLimit
  #bytes = 0

  /** `limit` bounds the number of groups with a limit of their own. */
  constructor(clock: Clock, config: BrokerConfig & StoreConfig, limit = noLimits.coldData) {
    this.#clock = clock
    this.#config = config
    this.#limit = limit
  }

  /** A group has read so many bytes of the old part. */
  add(group: string, bytes: number): void {
    if (bytes === 0 || isSystemPullGroup(group)) return
    const now = this.#clock.now()
    const read = this.#read.get(group) ?? { bytes: 0, lastMs: now, sinceMs: now }
    read.bytes += bytes
    read.lastMs = now
    this.#read.set(group, read)
    this.#bytes += bytes
  }

  /** Whether a group is to read nothing more of the old part for now. */
  isHeldBack(group: string): boolean {
    if (!this.#config.coldDataFlowControlEnable || isSystemPullGroup(group)) return false
    const read = this.#read.get(group)
    if (read === undefined) return false
    const threshold = this.#thresholds.get(group) ?? this.#config.cgColdReadThreshold
    return read.bytes >= threshold || this.#bytes >= this.#config.globalColdReadThreshold
  }

  /**
   * Sets how many bytes a group may read in five seconds; nothing for what cannot be a group's name. Throws a
   * ProtocolError when there is no room for another group.
   */
  setThreshold(group: string, bytes: number): void {
    if (groupProblem(group) !== undefined) return
    if (!this.#thresholds.has(group)) this.#limit.check(this.#thresholds.size + 1)
    this.#thresholds.set(group, bytes)
  }

  /** Gives a group the limit of all others. */
  removeThreshold(group: string): void {
    this.#thresholds.delete(group)
  }

  /** To be called every five seconds: counts restart. */
  clear(): void {
    const now = this.#clock.now()
    for (const [group, read] of this.#read) {
      read.bytes = 0
      if (now >= read.lastMs + RESIDE_MS) this.#read.delete(group)
    }
    this.#bytes = 0
  }

  /** All of it, with Apache's names. */
  info(): Record<string, unknown> {
    const runtimeTable = [...this.#read].map(([group, { bytes, lastMs, sinceMs }]) => [
      group,
      { coldAcc: bytes, createTimeMills: sinceMs, lastColdReadTimeMills: lastMs },
    ])
    return {
      runtimeTable: Object.fromEntries(runtimeTable) as unknown,
      configTable: Object.fromEntries(this.#thresholds),
      cgColdReadThreshold: this.#config.cgColdReadThreshold,
      globalColdReadThreshold: this.#config.globalColdReadThreshold,
      globalAcc: this.#bytes,
    }
  }
}
