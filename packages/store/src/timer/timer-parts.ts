import type { Env } from '@skylarkmq/env'
import type { LogWatch } from '../commitlog/log-watch.ts'
import type { MessageToStore, PutMessageResult, QueueUnit } from '../message/message.ts'
import type { StoreConfig } from '../options.ts'
import type { DueMessages } from './due-messages.ts'
import type { TimerCounts } from './timer-counts.ts'
import type { TimerLog } from './timer-log.ts'
import type { TimerWheel } from './timer-wheel.ts'

/** What the timers need of their store. */
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

/** State shared by the steps of a timer message. */
export interface TimerParts {
  readonly env: Env
  readonly config: StoreConfig
  readonly host: TimerHost
  readonly log: TimerLog
  readonly wheel: TimerWheel
  readonly due: DueMessages
  readonly counts: TimerCounts
  readonly precisionMs: number
  /** First slot that is not taken out of the wheel yet. */
  readTimeMs: number
  /** First message of the timer queue that is not in the wheel yet. */
  queueOffset: number
  /** Until deliveries from before a crash cannot recur: the offset from which another start must search for them. */
  heldLogEnd: number
  /**
   * Until all units found at a start are matched with the queue: the position from which another start must read
   * them.
   */
  heldTimerLogEnd: number
  /** See `RecoveredTimers`. */
  readonly rebuildEnd: number
  readonly deliveredMs: number
  enqueuedTotal: number
  deliveredTotal: number
}

/** The start of the slot that contains a time. */
export function slotBegin(timeMs: number, precisionMs: number): number {
  return Math.floor(timeMs / precisionMs) * precisionMs
}

/** Length of a slot: `timerPrecisionMs`, or the next shorter length that a wheel allows. */
export function timerPrecision(config: StoreConfig): number {
  return [1000, 500, 200, 100].find((each) => each <= config.timerPrecisionMs) ?? 100
}
