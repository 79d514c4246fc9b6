import type { Clock } from '@skylarkmq/env'
import type { GroupMetrics } from '../metrics/client-metrics.ts'
import type { ConsumeStatus } from '@skylarkmq/protocol'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
/** Parts of a window: a minute has 60 seconds, an hour 60 minutes. */
const PARTS = 60

interface Sums {
  pulls: number
  pullMs: number
  pulled: number
  consumed: number
  consumeMs: number
  failed: number
}

/** How fast a consumer was on each topic within the last minute, and how often it failed within the last hour. Apache: `ConsumerStatsManager.java`. */
export class ConsumeCounts {
  readonly #clock: Clock
  readonly #metrics: GroupMetrics
  readonly #seconds = new Map<string, Window>()
  readonly #minutes = new Map<string, Window>()

  /** `metrics` count the same, since the client was made. */
  constructor(clock: Clock, metrics: GroupMetrics) {
    this.#clock = clock
    this.#metrics = metrics
  }

  /** A pull was answered after `tookMs` with so many messages. */
  pulled(topic: string, tookMs: number, count: number): void {
    this.#metrics.of(topic).pulled(count)
    const sums = this.#now(this.#seconds, topic, SECOND_MS)
    sums.pulls++
    sums.pullMs += tookMs
    sums.pulled += count
  }

  /** A listener ended after `tookMs`. */
  consumed(topic: string, tookMs: number, isConsumed: boolean): void {
    this.#metrics.of(topic).handled(tookMs, isConsumed)
    const sums = this.#now(this.#seconds, topic, SECOND_MS)
    sums.consumeMs += tookMs
    if (isConsumed) sums.consumed++
    else {
      sums.failed++
      this.#now(this.#minutes, topic, MINUTE_MS).failed++
    }
  }

  /** What was counted of a topic. */
  status(topic: string): ConsumeStatus {
    const sums = this.#window(this.#seconds, topic, SECOND_MS).sums(this.#clock.monotonic())
    const { failed } = this.#window(this.#minutes, topic, MINUTE_MS).sums(this.#clock.monotonic())
    return {
      pullRT: ratio(sums.pullMs, sums.pulls),
      pullTPS: sums.pulled / PARTS,
      consumeRT: ratio(sums.consumeMs, sums.consumed + sums.failed),
      consumeOKTPS: sums.consumed / PARTS,
      consumeFailedTPS: sums.failed / PARTS,
      consumeFailedMsgs: failed,
    }
  }

  #now(windows: Map<string, Window>, topic: string, partMs: number): Sums {
    return this.#window(windows, topic, partMs).part(this.#clock.monotonic())
  }

  #window(windows: Map<string, Window>, topic: string, partMs: number): Window {
    const found = windows.get(topic) ?? new Window(partMs)
    windows.set(topic, found)
    return found
  }
}

/** Sums of the newest parts of time. */
class Window {
  readonly #partMs: number
  readonly #parts: { at: number; readonly sums: Sums }[] = []

  constructor(partMs: number) {
    this.#partMs = partMs
  }

  part(nowMs: number): Sums {
    const at = Math.floor(nowMs / this.#partMs)
    const last = this.#parts.at(-1)
    if (last?.at === at) return last.sums
    const sums = nothing()
    this.#parts.push({ at, sums })
    while ((this.#parts[0]?.at ?? at) <= at - PARTS) this.#parts.shift()
    return sums
  }

  sums(nowMs: number): Sums {
    const total = nothing()
    const oldest = Math.floor(nowMs / this.#partMs) - PARTS
    for (const { at, sums } of this.#parts) {
      if (at <= oldest) continue
      for (const key of Object.keys(total) as (keyof Sums)[]) total[key] += sums[key]
    }
    return total
  }
}

function nothing(): Sums {
  return { pulls: 0, pullMs: 0, pulled: 0, consumed: 0, consumeMs: 0, failed: 0 }
}

function ratio(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count
}
