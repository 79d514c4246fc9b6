import type { Env } from '@skylarkmq/env'
import type { LogWatch } from '../commitlog/log-watch.ts'
import type { MessageToStore, PutMessageResult, QueueUnit } from '../message/message.ts'
import type { StoreConfig } from '../options.ts'
import type { DueMessages } from './due-messages.ts'
import type { TimerCounts } from './timer-counts.ts'
import type { TimerLog } from './timer-log.ts'
import type { TimerWheel } from './timer-wheel.ts'

/** What the messages that wait need of the store that they are in. */
export interface TimerHost {
  putMessage(message: MessageToStore): PutMessageResult | Promise<PutMessageResult>
  offsetMin(topic: string, queueId: number): number
  offsetMax(topic: string, queueId: number): number
  queueUnitAt(topic: string, queueId: number, queueOffset: number): QueueUnit | undefined
  recordAt(physicalOffset: number, sizeBytes?: number): Buffer | undefined
  watch(watch: LogWatch): void
  scanFrom(physicalOffset: number, visit: (record: Buffer) => void): void
  readonly commitLogOffsetMin: number
  readonly commitLogOffsetMax: number
  readonly commitLogOffsetWritten: number
  readonly flushedOffset: number
  readonly wasClean: boolean
}

/** What the steps of a message that waits share. */
export interface TimerParts {
  readonly env: Env
  readonly config: StoreConfig
  readonly host: TimerHost
  readonly log: TimerLog
  readonly wheel: TimerWheel
  readonly due: DueMessages
  readonly counts: TimerCounts
  readonly precisionMs: number
  /** First slot that was not taken out of the wheel yet. */
  readTimeMs: number
  /** First message of their queue that was not put into the wheel yet. */
  queueOffset: number
  /** Until all that was delivered before a crash is behind: from where on a next start has to look for it, too. */
  heldLogEnd: number
  /** Until all that a start found in the timer log is met in the queue again: from where on a next start has to read it, too. */
  heldTimerLogEnd: number
  /** See `RecoveredTimers`. */
  readonly rebuildEnd: number
  readonly deliveredMs: number
  enqueuedTotal: number
  deliveredTotal: number
}

/** The beginning of the slot that has a time. */
export function slotBegin(timeMs: number, precisionMs: number): number {
  return Math.floor(timeMs / precisionMs) * precisionMs
}

/** Length of a slot: the value of `timerPrecisionMs`, or the next shorter one that a wheel can have. */
export function timerPrecision(config: StoreConfig): number {
  return [1000, 500, 200, 100].find((each) => each <= config.timerPrecisionMs) ?? 100
}
