import type { DueGroup } from './due-messages.ts'
import { KeptFile } from '@skylarkmq/env'
import type { Env, FileContent } from '@skylarkmq/env'
import {
  ProtocolError,
  timerMetricsBody,
  type TimerCount,
  type TimerMetrics,
} from '@skylarkmq/protocol'

/** How many messages of each topic wait, stored in config/timermetrics. Apache: `TimerMetrics.java`. */
export class TimerCounts {
  readonly #env: Env
  readonly #file: KeptFile
  readonly #counts = new Map<string, { count: number; timeStamp: number }>()
  #counter = 0
  #timestamp: number
  #isChanged = false

  /**
   * Reads the file; an unreadable one counts as empty, as the numbers are informative only. Throws the host's error.
   */
  constructor(env: Env, path: string) {
    this.#env = env
    this.#file = new KeptFile(env, path)
    this.#timestamp = env.clock.now()
    const found = this.#file.load(readCounts)
    if (found === undefined || !('value' in found)) return
    const { dataVersion, timingCount } = found.value
    for (const [topic, each] of timingCount) this.#counts.set(topic, { ...each })
    this.#counter = dataVersion.counter
  }

  /** The table, as GET_TIMER_METRICS has it. */
  get table(): TimerMetrics {
    const timingCount: ReadonlyMap<string, TimerCount> = this.#counts
    const dataVersion = { stateVersion: 0, timestamp: this.#timestamp, counter: this.#counter }
    return { dataVersion, timingCount }
  }

  /** Adds to the number of waiting messages of a topic; may be negative. */
  add(topic: string, change: number): void {
    const now = this.#env.clock.now()
    const found = this.#counts.get(topic)
    if (found === undefined) this.#counts.set(topic, { count: change, timeStamp: now })
    else {
      found.count += change
      found.timeStamp = now
    }
    this.#counter++
    this.#timestamp = now
    this.#isChanged = true
  }

  /** The sum over all topics. */
  get total(): number {
    let total = 0
    for (const { count } of this.#counts.values()) total += count
    return total
  }

  /** Replaces the numbers by those of a recount; topics not in it have none. */
  replace(counted: ReadonlyMap<string, number>): void {
    for (const [topic, { count }] of this.#counts) {
      if (count !== 0 && !counted.has(topic)) this.add(topic, -count)
    }
    for (const [topic, count] of counted) {
      const change = count - (this.#counts.get(topic)?.count ?? 0)
      if (change !== 0) this.add(topic, change)
    }
  }

  /** Topics with a number. */
  get topics(): Iterable<string> {
    return this.#counts.keys()
  }

  /** Removes a deleted topic. */
  remove(topic: string): void {
    this.#isChanged = this.#counts.delete(topic) || this.#isChanged
  }

  /**
   * Replaces the file if a number changed; resolves once it is synced, or failed to be. Rejects with the host's
   * error; then the next call retries.
   */
  async save(): Promise<void> {
    if (!this.#isChanged) return
    this.#file.save(timerMetricsBody.encode(this.table).toString())
    this.#isChanged = false
    await this.#file.settled()
  }
}

function readCounts(bytes: Buffer): FileContent<TimerMetrics> {
  try {
    return { value: timerMetricsBody.decode(bytes) }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { problem: error.message }
  }
}

/**
 * Must be called when a group has nothing left. A recall was counted as −1 in advance; a recall that found no message
 * is undone here.
 */
export function settleRecalls(group: DueGroup, counts: TimerCounts): void {
  if (group.left > 0) return
  for (const [key, recalled] of group.recalled) {
    if (--recalled.groups > 0 || recalled.wasMet) continue
    counts.add(key.slice(0, key.lastIndexOf('+')), 1)
  }
}
