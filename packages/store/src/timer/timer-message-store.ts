import { hostErrorCode, textOfThrown } from '@skylarkmq/env'
import type { Env, Timer } from '@skylarkmq/env'
import { TIMER_TOPIC, type TimerCheckPoint, type TimerMetrics } from '@skylarkmq/protocol'
import { makeDurableDirectory } from '../segment/durable-directory.ts'
import { timerFailed, timersRecovered } from '../events.ts'
import type { StoreConfig } from '../options.ts'
import { DueMessages, type DueMessage } from './due-messages.ts'
import { recountTimers } from './recount-timers.ts'
import { recoverTimers } from './recover-timers.ts'
import { readTimerCheck } from './timer-check-point.ts'
import { TimerCheckpointer } from './timer-checkpointer.ts'
import { TimerCounts } from './timer-counts.ts'
import { TimerDequeue, type DeliveryListener } from './timer-dequeue.ts'
import { TimerEnqueue } from './timer-enqueue.ts'
import { TimerLog } from './timer-log.ts'
import { TimerMagic, type TimerUnit } from './timer-log-unit.ts'
import { slotBegin, timerPrecision, type TimerHost, type TimerParts } from './timer-parts.ts'
import { TimerWheel } from './timer-wheel.ts'
import { readWaiting } from './waiting-message.ts'

/** How long messages are gathered before they are put into the wheel. */
const GATHER_MS = 10
/** The wall clock may jump, so it is checked at least this often. */
const LOOK_MS = 1000
const RETRY_MS = 1000
const CLEAN_MS = 30_000

/** The progress of timer messages. */
export interface TimerProgress {
  /** Lag of deliveries in seconds. */
  readonly readBehindSec: number
  /** Messages that are not in the wheel yet. */
  readonly offsetBehind: number
  /** Messages in the wheel, or taken out of it and not delivered. */
  readonly waiting: number
  readonly enqueueTps: number
  readonly dequeueTps: number
}

/**
 * Timer messages. They are stored in the queue of `rmq_sys_wheel_timer`, put from there into a wheel on disk with a
 * slot per second, and delivered from the wheel to their topics. Apache: `TimerMessageStore.java`.
 */
export class TimerMessageStore {
  readonly #parts: TimerParts
  readonly #enqueue: TimerEnqueue
  readonly #dequeue: TimerDequeue
  readonly #checkpointer: TimerCheckpointer
  #timers: Timer[] = []
  /** Until deliveries from before a crash cannot recur: the time and the queue offset at which that is so. */
  #behind: { readonly timeMs: number; readonly queueOffset: number } | undefined
  #wake: Timer | undefined
  #wakeAtMs = Infinity
  #isRunning = false
  #isWatching = false
  #isFirst = true
  #inFlight: DueMessage[] | undefined

  /** Opens the files in the store's root and recovers them. Throws the host's error. */
  constructor(env: Env, config: StoreConfig, host: TimerHost) {
    const root = config.storePathRootDir
    const precisionMs = timerPrecision(config)
    makeDurableDirectory(env.disk, `${root}/config`)
    const log = new TimerLog(env, `${root}/timerlog`, config.mappedFileSizeTimerLog)
    const wheel = new TimerWheel(env.disk, `${root}/timerwheel`, precisionMs)
    const checkPath = `${root}/config/timercheck`
    const check = readTimerCheck(env.disk, checkPath)
    const nowMs = env.clock.now()
    const nowSlotMs = slotBegin(nowMs, precisionMs)
    const commitLogEnd = host.commitLogOffsetMax
    const bearsOut = (unit: TimerUnit): boolean => isBorneOut(unit, host, precisionMs)
    const was = { clean: host.wasClean, nowSlotMs, commitLogEnd, bearsOut }
    const found = recoverTimers(check, log, wheel, was)
    if (!host.wasClean) log.proveFrom(found.timerLogFrom)
    const max = host.offsetMax(TIMER_TOPIC, 0)
    this.#parts = {
      env,
      config,
      host,
      log,
      wheel,
      due: new DueMessages(),
      counts: new TimerCounts(env, `${root}/config/timermetrics`),
      precisionMs,
      readTimeMs: found.readTimeMs,
      queueOffset: Math.min(found.queueOffset, max),
      heldLogEnd: Infinity,
      heldTimerLogEnd: found.timerLogFrom,
      rebuildEnd: found.rebuildEnd,
      deliveredMs: found.deliveredMs,
      enqueuedTotal: 0,
      deliveredTotal: 0,
    }
    const dequeue = new TimerDequeue(this.#parts)
    this.#enqueue = new TimerEnqueue(this.#parts, found, (record) => dequeue.wentOnBefore(record))
    this.#dequeue = dequeue
    this.#checkpointer = new TimerCheckpointer(this.#parts, checkPath, check, found.isLost)
    // After a clean stop there is nothing to search, unless it came soon after a crash.
    const from = max === 0 ? commitLogEnd : (found.commitLogEnd ?? commitLogEnd)
    const lastMs = this.#dequeue.findDelivered(from)
    if (lastMs !== undefined) {
      this.#parts.heldLogEnd = found.commitLogEnd ?? Infinity
      // A message put back at a stop is in the first slot, and its delivery names its former slot.
      this.#behind = { timeMs: Math.max(lastMs, found.readTimeMs), queueOffset: max }
    }
    recountTimers(this.#parts)
    const { readTimeMs, queueOffset } = this.#parts
    if (max === 0 && log.end === 0) return
    env.events.emit(timersRecovered, { readTimeMs, queueOffset, timerLogEnd: log.end })
  }

  /** Registers a listener for deliveries. */
  onDelivery(listener: DeliveryListener): void {
    this.#dequeue.onDelivery(listener)
  }

  /** Starts delivering. */
  start(): void {
    const { env, host, config, log } = this.#parts
    this.#isRunning = true
    this.#watch()
    this.#timers.push(
      env.clock.every(config.timerFlushIntervalMs, () => {
        this.#checkpointer.tick()
      }),
      env.clock.every(CLEAN_MS, () => {
        this.#trying(() => {
          log.deleteBefore(host.commitLogOffsetMin)
        })
      }),
    )
    this.#wakeAt(env.clock.now())
  }

  /** Follows the log from the first start on, also while stopped. */
  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    const { env, host } = this.#parts
    host.watch({
      arrived: ({ topic }) => {
        if (topic === TIMER_TOPIC) this.#wakeAt(env.clock.now() + GATHER_MS)
      },
      cut: (offset) => {
        // New messages will reuse the offsets of the lost ones.
        const max = host.offsetMax(TIMER_TOPIC, 0)
        this.#parts.queueOffset = Math.min(this.#parts.queueOffset, max)
        this.#dequeue.logCut(offset)
        this.#wakeAt(env.clock.now())
      },
    })
  }

  /** Stops delivering until the next start. `close` must follow once the commit log is on disk. */
  stop(): void {
    this.#isRunning = false
    this.#wake?.cancel()
    this.#wakeAtMs = Infinity
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
  }

  /**
   * Puts undelivered messages back into the wheel, saves the progress (unless the commit log could not be synced),
   * and closes the files. Resolves with false when not everything is on disk: the next start then recovers.
   */
  async close(isLogOnDisk: boolean): Promise<boolean> {
    const { log, wheel } = this.#parts
    let isOnDisk = false
    await this.#checkpointer.settled()
    if (isLogOnDisk) {
      this.#dequeue.delivered(this.#inFlight ?? [])
      this.#inFlight = undefined
      const isBack = this.#trying(() => {
        this.#putBack()
      })
      if (isBack) isOnDisk = await this.#checkpointer.last()
    }
    log.close()
    wheel.close()
    return isOnDisk
  }

  /** How many messages wait in the slot of a time. Throws the host's error. */
  congestionAt(slotMs: number): number {
    return this.#parts.wheel.slot(slotMs)?.count ?? 0
  }

  /**
   * Whether the slot of a time is so full that messages for it are refused. Apache: `TimerMessageStore.java`,
   * isReject.
   */
  isCongested(slotMs: number): boolean {
    const { config, env } = this.#parts
    const limit = config.timerCongestNumEachSlot
    if (limit >= 0x7fffffff) return false
    const count = this.congestionAt(slotMs)
    if (count <= limit) return false
    return count >= limit * 2 || env.random.next() * limit < count - limit
  }

  /** The length of a slot. */
  get precisionMs(): number {
    return this.#parts.precisionMs
  }

  /** The check point that a slave copies. */
  get checkPoint(): TimerCheckPoint {
    return this.#checkpointer.now
  }

  /** How many messages of each topic wait. */
  get metrics(): TimerMetrics {
    return this.#parts.counts.table
  }

  /** The progress. Throws the host's error. */
  progress(): TimerProgress {
    const { env, config, host, wheel, due, precisionMs, readTimeMs, queueOffset } = this.#parts
    const windowMs = Math.max(config.timerRollWindowSlot, 2) * precisionMs
    const behindMs = env.clock.now() - due.progress(this.#reached()).readTimeMs
    return {
      readBehindSec: Math.max(0, Math.floor(behindMs / 1000)),
      offsetBehind: host.offsetMax(TIMER_TOPIC, 0) - queueOffset,
      waiting: due.size + wheel.count(readTimeMs, readTimeMs + windowMs),
      enqueueTps: this.#checkpointer.enqueueTps,
      dequeueTps: this.#checkpointer.dequeueTps,
    }
  }

  /** How many messages are due between two times, of those in the wheel. Throws the host's error. */
  countDue(fromMs: number, toMs: number): number {
    return this.#parts.wheel.count(fromMs, toMs)
  }

  /** Removes a deleted topic from the counts. */
  forgetTopic(topic: string): void {
    this.#parts.counts.remove(topic)
  }

  #reached() {
    const { readTimeMs, queueOffset, log, host } = this.#parts
    return {
      readTimeMs,
      queueOffset,
      timerLogEnd: log.end,
      commitLogEnd: host.commitLogOffsetMax,
    }
  }

  #wakeAt(atMs: number): void {
    if (!this.#isRunning || this.#wakeAtMs <= atMs) return
    const { clock } = this.#parts.env
    this.#wake?.cancel()
    this.#wakeAtMs = atMs
    this.#wake = clock.after(Math.min(LOOK_MS, Math.max(0, atMs - clock.now())), () => {
      this.#wakeAtMs = Infinity
      if (this.#isRunning) this.#run()
    })
  }

  #run(): void {
    const { config, env, due } = this.#parts
    const now = env.clock.now()
    const left = { hasMore: false }
    const isWell = this.#trying(() => {
      this.#checkpointer.begin()
      if (!config.timerStopEnqueue) left.hasMore = this.#enqueue.run()
      if (config.timerStopDequeue || this.#inFlight !== undefined) return
      // The queue may contain recalls of due messages, so after a start delivery waits until it has been read.
      const isLate = this.#enqueue.isCaughtUp && due.firstDueMs < now
      if (!left.hasMore || isLate) this.#deliver()
    })
    if (!isWell) this.#wakeAt(now + RETRY_MS)
    else if (left.hasMore) this.#wakeAt(now)
    else if (this.#inFlight === undefined) this.#wakeAt(this.#nextMs(now))
  }

  #deliver(): void {
    const { env } = this.#parts
    const now = env.clock.now()
    if (this.#isFirst) this.#dequeue.openPutBack()
    this.#isFirst = false
    this.#dequeue.openSlots(now)
    const taken = this.#dequeue.deliver()
    if (taken.length === 0) {
      this.#leaveBehind()
      return
    }
    this.#inFlight = taken
    env.turn.sends((failure) => {
      if (this.#inFlight === undefined) return
      this.#inFlight = undefined
      if (failure === undefined) this.#dequeue.delivered(taken)
      else this.#dequeue.writtenInPart(taken)
      this.#wakeAt(env.clock.now() + (failure === undefined ? 0 : RETRY_MS))
    })
  }

  #leaveBehind(): void {
    if (this.#behind === undefined) return
    const { readTimeMs, queueOffset } = this.#parts.due.progress(this.#reached())
    if (readTimeMs <= this.#behind.timeMs || queueOffset < this.#behind.queueOffset) return
    this.#dequeue.forgetDelivered()
    this.#parts.heldLogEnd = Infinity
    this.#behind = undefined
  }

  #nextMs(now: number): number {
    const { due, wheel, config, readTimeMs, precisionMs } = this.#parts
    if (config.timerStopDequeue) return now + LOOK_MS
    // Messages that are due and still here were refused.
    const dueMs = due.firstDueMs <= now ? now + RETRY_MS : due.firstDueMs
    if (wheel.isUnused) return dueMs
    const slotMs = wheel.slot(readTimeMs) === undefined ? readTimeMs + precisionMs : readTimeMs
    return Math.min(dueMs, Math.max(slotMs, now + 1), now + LOOK_MS)
  }

  /** Puts undelivered messages into the next slot. */
  #putBack(): void {
    const { due, log, wheel, host, precisionMs, env } = this.#parts
    const slotMs = this.#parts.readTimeMs
    for (const message of due.takeAll()) {
      const { physicalOffset, recordBytes, isRolled, dueMs } = message
      const record = host.recordAt(physicalOffset)
      const isGone =
        record !== undefined &&
        (this.#dequeue.isRecalled(message, record) || this.#dequeue.wentOnBefore(record))
      if (!isGone) {
        const slot = wheel.slot(slotMs)
        const position = log.append({
          previous: slot?.last ?? -1,
          magic: TimerMagic.MESSAGE | (isRolled ? TimerMagic.ROLL : 0),
          writeTimeMs: message.enqueueMs ?? slotBegin(env.clock.now(), precisionMs),
          slotMs,
          physicalOffset,
          recordBytes,
          // See `isPutBack`.
          topicHash: 0,
          dueMs,
        })
        const count = (slot?.count ?? 0) + 1
        wheel.put(slotMs, { first: slot?.first ?? position, last: position, count })
      }
      due.done(message)
    }
    log.write()
  }

  /** False when the host refused; then it must be retried. */
  #trying(f: () => void): boolean {
    try {
      f()
      return true
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#parts.env.events.emit(timerFailed, { reason: textOfThrown(error) })
      return false
    }
  }
}

/** A torn unit proves less than the message itself; the worst case would be a delivery before its time. */
function isBorneOut(unit: TimerUnit, host: TimerHost, precisionMs: number): boolean {
  // Retention may have deleted it.
  if (unit.physicalOffset < host.commitLogOffsetMin) return true
  const record = host.recordAt(unit.physicalOffset, unit.recordBytes)
  if (record?.length !== unit.recordBytes) return false
  const waiting = readWaiting(record, precisionMs)
  if (waiting === undefined || (unit.dueMs !== 0 && unit.dueMs < waiting.dueMs)) return false
  return (unit.magic & TimerMagic.ROLL) !== 0 || unit.slotMs === waiting.slotMs
}
