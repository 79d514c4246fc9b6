import { hostErrorCode, textOfThrown } from '@skylarkmq/env'
import { TIMER_TOPIC, type TimerCheckPoint } from '@skylarkmq/protocol'
import { timerFailed } from '../events.ts'
import { syncPath } from '../segment/sync-path.ts'
import type { DueProgress } from './due-messages.ts'
import { encodeTimerCheck } from './timer-check-point.ts'
import type { TimerParts } from './timer-parts.ts'
import type { WheelPages } from './timer-wheel.ts'

/** While nobody waits, what a start after a crash would have to read is kept below this. */
const IDLE_MS = 60_000
const IDLE_LOG_BYTES = 32 * 1024 * 1024

/** A progress, the wheel as it was then, and where the commit log has to be on disk before both may be believed. */
interface Wanted extends DueProgress {
  readonly logEnd: number
  readonly pages: WheelPages
}

/**
 * Brings the timer log, the wheel and config/timercheck to disk, in this order, and only what the commit log on disk
 * bears out: what counts as delivered is there. Apache: `TimerMessageStore.java`, TimerFlushService.
 */
export class TimerCheckpointer {
  readonly #parts: TimerParts
  readonly #path: string
  #last: TimerCheckPoint
  /** Whether a file is there that a start would go by. */
  #isBegun: boolean
  #commitLogEnd = 0
  #wanted: Wanted | undefined
  #running: Promise<void> | undefined
  #sampledAtMs: number
  #enqueued = 0
  #delivered = 0
  enqueueTps = 0
  dequeueTps = 0

  /** `found` is the file as it is; with `isLost` a start must not go by it any more. */
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

  /** What was written last. */
  get now(): TimerCheckPoint {
    return this.#last
  }

  /** Writes the first file, before anything is delivered. Throws the host's error. */
  begin(): void {
    const { host } = this.#parts
    if (this.#isBegun || host.offsetMax(TIMER_TOPIC, 0) === 0) return
    // What is not on disk may be gone after a crash, and others may be in its place.
    const progress = this.#progress()
    const commitLogEnd = Math.min(progress.commitLogEnd, host.flushedOffset)
    const { disk } = this.#parts.env
    const point = this.#write({ ...progress, commitLogEnd }, true)
    this.#replace(point, commitLogEnd)
    disk.syncDirectoryNow(this.#directory)
    this.#isBegun = true
  }

  /** To be called now and then. */
  tick(): void {
    this.#sample()
    if (this.#running !== undefined) return
    if (this.#wanted === undefined) {
      const progress = this.#progress()
      if (this.#isNew(progress)) {
        this.#wanted = { ...progress, pages: this.#parts.wheel.takeChanged() }
      }
    } else if (this.#parts.host.flushedOffset >= this.#wanted.logEnd) {
      const wanted = this.#wanted
      this.#wanted = undefined
      this.#running = this.#run(wanted).then(() => {
        this.#running = undefined
      })
    }
  }

  /** Writes everything at a stop, when the commit log is on disk. Resolves with false when it could not be brought to disk. */
  async last(): Promise<boolean> {
    await this.#running
    const progress = this.#progress()
    if (!this.#isBegun && !this.#isNew(progress)) return true
    return this.#run({ ...progress, pages: this.#parts.wheel.takeChanged() })
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running
  }

  #progress(): Omit<Wanted, 'pages'> {
    const { readTimeMs, queueOffset, log, host, due } = this.#parts
    const commitLogEnd = host.commitLogOffsetMax
    const reached = { readTimeMs, queueOffset, timerLogEnd: log.end, commitLogEnd }
    const progress = due.progress(reached)
    const { heldLogEnd, heldTimerLogEnd } = this.#parts
    return {
      ...progress,
      timerLogEnd: Math.min(progress.timerLogEnd, heldTimerLogEnd),
      commitLogEnd: Math.min(progress.commitLogEnd, heldLogEnd),
      logEnd: commitLogEnd,
    }
  }

  /** While nobody waits, time passing is nothing new. */
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
      counts.save()
      const point = this.#write(progress, false)
      await syncPath(env.disk, this.#newPath)
      this.#replace(point, progress.commitLogEnd)
      await env.disk.syncDirectory(this.#directory)
      this.#isBegun = true
      return true
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      env.events.emit(timerFailed, { reason: textOfThrown(error) })
      return false
    }
  }

  /** Writes the file beside the one that is there: a start must find one that is whole. */
  #write(progress: DueProgress, isSync: boolean): TimerCheckPoint {
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
    const file = env.disk.open(this.#newPath, 'create')
    try {
      file.writeNow(encodeTimerCheck(point, mark), 0)
      if (isSync) file.syncNow()
    } finally {
      file.close()
    }
    return point
  }

  #replace(point: TimerCheckPoint, commitLogEnd: number): void {
    this.#parts.env.disk.rename(this.#newPath, this.#path)
    this.#last = point
    this.#commitLogEnd = commitLogEnd
  }

  get #newPath(): string {
    return `${this.#path}.new`
  }

  get #directory(): string {
    return this.#path.slice(0, this.#path.lastIndexOf('/'))
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
