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

/** How long messages are gathered before they go into the wheel. */
const GATHER_MS = 10
/** The wall clock may jump, so it is looked at again after this. */
const LOOK_MS = 1000
const RETRY_MS = 1000
const CLEAN_MS = 30_000

/** How the messages that wait get on. */
export interface TimerProgress {
  /** Seconds that the deliveries are behind. */
  readonly readBehindSec: number
  /** Messages that are not in the wheel yet. */
  readonly offsetBehind: number
  /** Messages in the wheel, and taken out of it to be delivered. */
  readonly waiting: number
  readonly enqueueTps: number
  readonly dequeueTps: number
}

/**
 * Messages that wait for a time of their own. They lie in the queue of `rmq_sys_wheel_timer`; from there they go into
 * a wheel with a slot for each second, which is on disk, and out of it to their topics. Apache: `TimerMessageStore.java`.
 */
export class TimerMessageStore {
  readonly #parts: TimerParts
  readonly #enqueue: TimerEnqueue
  readonly #dequeue: TimerDequeue
  readonly #checkpointer: TimerCheckpointer
  #timers: Timer[] = []
  /** Until a crash is behind: the time and the offset where it is. */
  #behind: { readonly timeMs: number; readonly queueOffset: number } | undefined
  #wake: Timer | undefined
  #wakeAtMs = Infinity
  #isRunning = false
  #isWatching = false
  #isFirst = true
  #inFlight: DueMessage[] | undefined

  /** Opens the files below the store's root and recovers what is in them. Throws the host's error. */
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
    // After an orderly stop that is the end, unless it came soon after a crash.
    const from = max === 0 ? commitLogEnd : (found.commitLogEnd ?? commitLogEnd)
    const lastMs = this.#dequeue.findDelivered(from)
    if (lastMs !== undefined) {
      this.#parts.heldLogEnd = found.commitLogEnd ?? Infinity
      // What a stop put back waits in the first slot, and its delivery names the slot from which it was taken.
      this.#behind = { timeMs: Math.max(lastMs, found.readTimeMs), queueOffset: max }
    }
    recountTimers(this.#parts)
    const { readTimeMs, queueOffset } = this.#parts
    if (max === 0 && log.end === 0) return
    env.events.emit(timersRecovered, { readTimeMs, queueOffset, timerLogEnd: log.end })
  }

  /** Registers who hears of each delivery. */
  onDelivery(listener: DeliveryListener): void {
    this.#dequeue.onDelivery(listener)
  }

  /** Begins to deliver. */
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

  /** Follows the log from the first start on, also when it has stopped. */
  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    const { env, host } = this.#parts
    host.watch({
      arrived: ({ topic }) => {
        if (topic === TIMER_TOPIC) this.#wakeAt(env.clock.now() + GATHER_MS)
      },
      cut: (offset) => {
        // Other messages will be in the places of those that are gone.
        const max = host.offsetMax(TIMER_TOPIC, 0)
        this.#parts.queueOffset = Math.min(this.#parts.queueOffset, max)
        this.#dequeue.logCut(offset)
        this.#wakeAt(env.clock.now())
      },
    })
  }

  /** Delivers no more, until it is started again. `close` is to follow, once the commit log is on disk. */
  stop(): void {
    this.#isRunning = false
    this.#wake?.cancel()
    this.#wakeAtMs = Infinity
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
  }

  /**
   * Puts what was taken out of the wheel and is not delivered back, writes down where everything is, unless the
   * commit log could not be brought to disk, and closes the files. Resolves with false when not all is on disk: the next
   * start has to go by that.
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

  /** Whether the slot of a time is so full that a message for it is refused. Apache: `TimerMessageStore.java`, isReject. */
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

  /** What a slave is told of the progress. */
  get checkPoint(): TimerCheckPoint {
    return this.#checkpointer.now
  }

  /** How many messages of each topic wait. */
  get metrics(): TimerMetrics {
    return this.#parts.counts.table
  }

  /** How the messages that wait get on. Throws the host's error. */
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

  /** Forgets a topic that was deleted in the numbers of those who wait. */
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
      // What is in the queue may call back what is due. After a start that is waited for.
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
    // What is due and is still here was not taken.
    const dueMs = due.firstDueMs <= now ? now + RETRY_MS : due.firstDueMs
    if (wheel.isUnused) return dueMs
    const slotMs = wheel.slot(readTimeMs) === undefined ? readTimeMs + precisionMs : readTimeMs
    return Math.min(dueMs, Math.max(slotMs, now + 1), now + LOOK_MS)
  }

  /** Puts what is not delivered into the next slot, where it is due when it was. */
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

  /** False when the host refused; then it is to be tried again. */
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

/** A unit that is torn says less of its message than the message itself; the worst would be a time before its own. */
function isBorneOut(unit: TimerUnit, host: TimerHost, precisionMs: number): boolean {
  // Retention may have taken it.
  if (unit.physicalOffset < host.commitLogOffsetMin) return true
  const record = host.recordAt(unit.physicalOffset, unit.recordBytes)
  if (record?.length !== unit.recordBytes) return false
  const waiting = readWaiting(record, precisionMs)
  if (waiting === undefined || (unit.dueMs !== 0 && unit.dueMs < waiting.dueMs)) return false
  return (unit.magic & TimerMagic.ROLL) !== 0 || unit.slotMs === waiting.slotMs
}
