import { hostErrorCode, replaceFile, replaceFileNow, textOfThrown } from '@skylarkmq/env'
import { TIMER_TOPIC, type TimerCheckPoint } from '@skylarkmq/protocol'
import { OnceFlushed } from '../delivery/once-flushed.ts'
import { timerFailed } from '../events.ts'
import type { DueProgress } from './due-messages.ts'
import { encodeTimerCheck } from './timer-check-point.ts'
import type { TimerParts } from './timer-parts.ts'
import type { WheelPages } from './timer-wheel.ts'

/** While no message waits, a check point is written this often, to limit what a start after a crash must read. */
const IDLE_MS = 60_000
const IDLE_LOG_BYTES = 32 * 1024 * 1024

/** A progress, and the wheel at that time. */
interface Wanted extends DueProgress {
  readonly pages: WheelPages
}

/**
 * Syncs the timer log, the wheel and config/timercheck, in this order. Invariant: a check point counts only
 * deliveries that the commit log has on disk. Apache: `TimerMessageStore.java`, TimerFlushService.
 */
export class TimerCheckpointer {
  readonly #parts: TimerParts
  readonly #path: string
  #last: TimerCheckPoint
  /** Whether a file exists that a start would rely on. */
  #isBegun: boolean
  #commitLogEnd = 0
  readonly #wanted = new OnceFlushed<Wanted>()
  #running: Promise<void> | undefined
  #sampledAtMs: number
  #enqueued = 0
  #delivered = 0
  enqueueTps = 0
  dequeueTps = 0

  /** `found` is the existing file; with `isLost` a start must no longer rely on it. */
  constructor(
    parts: TimerParts,
    path: string,
    found: TimerCheckPoint | undefined,
    isLost: boolean,
  ) {
    this.#parts = parts
    this.#path = path
    this.#isBegun = !isLost
    this.#sampledAtMs = parts.env.clock.monotonic()
    this.#last = found ?? {
      lastReadTimeMs: parts.readTimeMs,
      lastTimerLogFlushPos: 0,
      lastTimerQueueOffset: 0,
      masterTimerQueueOffset: 0,
      dataVersion: { stateVersion: 0, timestamp: parts.env.clock.now(), counter: 0 },
    }
  }

  /** The check point written last. */
  get now(): TimerCheckPoint {
    return this.#last
  }

  /** Writes the first file, before anything is delivered. Throws the host's error. */
  begin(): void {
    const { host } = this.#parts
    if (this.#isBegun || host.offsetMax(TIMER_TOPIC, 0) === 0) return
    // What is not on disk may be lost in a crash, and its offsets reused.
    const progress = this.#progress()
    const commitLogEnd = Math.min(progress.commitLogEnd, host.flushedOffset)
    const { point, content } = this.#encoded({ ...progress, commitLogEnd })
    replaceFileNow(this.#parts.env.disk, this.#path, content)
    this.#replaced(point, commitLogEnd)
  }

  /** Must be called periodically. */
  tick(): void {
    this.#sample()
    if (this.#running !== undefined) return
    const { host, wheel } = this.#parts
    if (!this.#wanted.isWaiting) {
      const progress = this.#progress()
      if (!this.#isNew(progress)) return
      this.#wanted.keep({ ...progress, pages: wheel.takeChanged() }, host.commitLogOffsetMax)
      return
    }
    const wanted = this.#wanted.ready(host.flushedOffset)
    if (wanted === undefined) return
    this.#wanted.forget()
    this.#running = this.#run(wanted).then(() => {
      this.#running = undefined
    })
  }

  /** Writes everything at a stop, once the commit log is on disk. Resolves with false when it could not be synced. */
  async last(): Promise<boolean> {
    await this.#running
    const progress = this.#progress()
    if (!this.#isBegun && !this.#isNew(progress)) return true
    return this.#run({ ...progress, pages: this.#parts.wheel.takeChanged() })
  }

  /** Resolves when nothing is running. */
  async settled(): Promise<void> {
    await this.#running
  }

  #progress(): DueProgress {
    const { readTimeMs, queueOffset, log, host, due } = this.#parts
    const commitLogEnd = host.commitLogOffsetMax
    const reached = { readTimeMs, queueOffset, timerLogEnd: log.end, commitLogEnd }
    const progress = due.progress(reached)
    const { heldLogEnd, heldTimerLogEnd } = this.#parts
    return {
      ...progress,
      timerLogEnd: Math.min(progress.timerLogEnd, heldTimerLogEnd),
      commitLogEnd: Math.min(progress.commitLogEnd, heldLogEnd),
    }
  }

  /** While no message waits, the passing of time is not a change. */
  #isNew(progress: DueProgress): boolean {
    const { lastReadTimeMs, lastTimerLogFlushPos, lastTimerQueueOffset } = this.#last
    const isIdle =
      progress.timerLogEnd === lastTimerLogFlushPos &&
      progress.queueOffset === lastTimerQueueOffset &&
      this.#parts.wheel.nextOccupied(lastReadTimeMs, progress.readTimeMs) === undefined
    if (!isIdle) return true
    const isFar =
      progress.readTimeMs - lastReadTimeMs >= IDLE_MS ||
      progress.commitLogEnd - this.#commitLogEnd >= IDLE_LOG_BYTES
    return this.#isBegun && isFar
  }

  async #run(progress: Wanted): Promise<boolean> {
    const { env, log, wheel, counts } = this.#parts
    try {
      await log.sync()
      await wheel.write(progress.pages)
      await counts.save()
      const { point, content } = this.#encoded(progress)
      await replaceFile(env.disk, this.#path, content)
      this.#replaced(point, progress.commitLogEnd)
      return true
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      env.events.emit(timerFailed, { reason: textOfThrown(error) })
      return false
    }
  }

  /** The content of the file. */
  #encoded(progress: DueProgress): { point: TimerCheckPoint; content: Buffer } {
    const { env, rebuildEnd, deliveredMs } = this.#parts
    const { counter } = this.#last.dataVersion
    const point: TimerCheckPoint = {
      lastReadTimeMs: progress.readTimeMs,
      lastTimerLogFlushPos: progress.timerLogEnd,
      lastTimerQueueOffset: progress.queueOffset,
      masterTimerQueueOffset: progress.queueOffset,
      dataVersion: { stateVersion: 0, timestamp: env.clock.now(), counter: counter + 1 },
    }
    const isRebuilding = progress.queueOffset < rebuildEnd
    const mark = {
      logOffset: progress.commitLogEnd,
      rebuildEnd: isRebuilding ? rebuildEnd : 0,
      deliveredMs: isRebuilding ? deliveredMs : 0,
    }
    return { point, content: encodeTimerCheck(point, mark) }
  }

  #replaced(point: TimerCheckPoint, commitLogEnd: number): void {
    this.#last = point
    this.#commitLogEnd = commitLogEnd
    this.#isBegun = true
  }

  #sample(): void {
    const { env, enqueuedTotal, deliveredTotal } = this.#parts
    const nowMs = env.clock.monotonic()
    const seconds = (nowMs - this.#sampledAtMs) / 1000
    if (seconds < 1) return
    this.enqueueTps = (enqueuedTotal - this.#enqueued) / seconds
    this.dequeueTps = (deliveredTotal - this.#delivered) / seconds
    this.#enqueued = enqueuedTotal
    this.#delivered = deliveredTotal
    this.#sampledAtMs = nowMs
  }
}
