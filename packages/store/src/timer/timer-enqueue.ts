import { TIMER_TOPIC } from '@skylarkmq/protocol'
import type { QueueUnit } from '../message/message.ts'
import { timerMessageLost } from '../events.ts'
import type { DueGroup, DueMessage } from './due-messages.ts'
import type { RecoveredTimers } from './recover-timers.ts'
import { TIMER_SLOTS } from './timer-wheel.ts'
import { TimerMagic } from './timer-log-unit.ts'
import { settleRecalls } from './timer-counts.ts'
import { slotBegin, type TimerParts } from './timer-parts.ts'
import { readWaiting, recalledKeyOf, type WaitingMessage } from './waiting-message.ts'

/** Messages put into the wheel per turn. */
const BATCH_MAX = 1000
/** Apache keeps some slots free, too. */
const BLANK_SLOTS = 60

/** The next slot of a message, and whether it is only rolled there. */
export interface RollDecision {
  readonly slotMs: number
  readonly isRolled: boolean
}

/**
 * The slot for a message that is put into the wheel at `writeTimeMs`: its own, or an intermediate one when that is
 * more than `windowSlots` away. Apache: `TimerMessageStore.java`, doEnqueue.
 */
function decideRoll(
  slotMs: number,
  writeTimeMs: number,
  windowSlots: number,
  precisionMs: number,
): RollDecision {
  const windowMs = windowSlots * precisionMs
  const delayMs = slotMs - writeTimeMs
  if (delayMs < windowMs) return { slotMs, isRolled: false }
  const isNearNext = delayMs - windowMs < Math.floor(windowSlots / 3) * precisionMs
  // A delay of little more than one window is split into halves, so that the last part is not too short.
  const partMs = isNearNext ? Math.floor(windowSlots / 2) * precisionMs : windowMs
  return { slotMs: writeTimeMs + partMs, isRolled: true }
}

/** `timerRollWindowSlot`, or the whole wheel when it is out of bounds. */
function rollWindowSlots(configured: number): number {
  const most = TIMER_SLOTS / 2 - BLANK_SLOTS
  return configured > most || configured < 2 ? most : configured
}

/** Takes messages from the timer queue and puts them into the wheel. Apache: `TimerMessageStore.java`, enqueue. */
export class TimerEnqueue {
  readonly #parts: TimerParts
  readonly #windowSlots: number
  #recovered: RecoveredTimers | undefined
  readonly #wentOn: (record: Buffer) => boolean

  /** `wentOn` says whether a message was forwarded before a crash, and must be called once for each. */
  constructor(parts: TimerParts, recovered: RecoveredTimers, wentOn: (record: Buffer) => boolean) {
    this.#parts = parts
    this.#recovered = recovered
    this.#wentOn = wentOn
    this.#windowSlots = rollWindowSlots(parts.config.timerRollWindowSlot)
  }

  /** Whether everything that was in the queue at the start is in the wheel. */
  get isCaughtUp(): boolean {
    return this.#recovered === undefined
  }

  /**
   * Puts new messages into the wheel; returns whether more are left. Throws the host's error, and can be called
   * again.
   */
  run(): boolean {
    const parts = this.#parts
    const { host, log, due } = parts
    const max = host.offsetMax(TIMER_TOPIC, 0)
    const first = Math.max(parts.queueOffset, host.offsetMin(TIMER_TOPIC, 0))
    parts.queueOffset = Math.min(first, max)
    const late: DueMessage[] = []
    const group: DueGroup = {
      slotMs: undefined,
      queueOffset: parts.queueOffset,
      timerLogEnd: Math.min(log.end, parts.heldTimerLogEnd),
      commitLogEnd: host.commitLogOffsetMax,
      left: 0,
      recalled: new Map(),
    }
    const end = Math.min(max, parts.queueOffset + BATCH_MAX)
    try {
      while (parts.queueOffset < end && !log.isFull) {
        const unit = host.queueUnitAt(TIMER_TOPIC, 0, parts.queueOffset)
        if (unit !== undefined) this.#enqueue(unit, group, late)
        parts.queueOffset++
      }
      log.write()
    } finally {
      group.left = late.length
      due.add(group, late)
      settleRecalls(group, parts.counts)
    }
    // A full log must be synced first; then the next check continues.
    if (parts.queueOffset < max) return !log.isFull
    this.#recovered = undefined
    parts.heldTimerLogEnd = Infinity
    return false
  }

  #enqueue(unit: QueueUnit, group: DueGroup, late: DueMessage[]): void {
    const { env, host, counts, precisionMs, queueOffset, readTimeMs } = this.#parts
    const { physicalOffset, sizeBytes } = unit
    if (this.#recovered?.enqueued.has(physicalOffset) === true) return
    const record = host.recordAt(physicalOffset, sizeBytes)
    const waiting = record === undefined ? undefined : readWaiting(record, precisionMs)
    if (record === undefined || waiting === undefined) {
      env.events.emit(timerMessageLost, { physicalOffset, reason: 'its record cannot be read' })
      return
    }
    if (queueOffset < (this.#recovered?.rebuildEnd ?? 0) && this.#wasDelivered(waiting)) return
    // If the clock was set back, the message would wait in a wrong slot.
    if (this.#wentOn(record)) return
    const nowSlotMs = slotBegin(env.clock.now(), precisionMs)
    const isPast = waiting.slotMs < nowSlotMs
    // Messages present at the start go through the wheel as well, so that recalls find them there.
    const isSoon = isPast && !waiting.isDelete && this.isCaughtUp
    if (waiting.slotMs >= readTimeMs && !isSoon) {
      this.#toWheel(unit, waiting, nowSlotMs)
      counts.add(waiting.topic, waiting.isDelete ? -1 : 1)
      this.#parts.enqueuedTotal++
      return
    }
    if (waiting.isDelete) {
      this.#recallOpen(record, waiting, group)
      return
    }
    if (!isPast) counts.add(waiting.topic, 1)
    const enqueueMs = isPast ? undefined : nowSlotMs
    const { dueMs } = waiting
    late.push({ dueMs, physicalOffset, recordBytes: sizeBytes, enqueueMs, isRolled: false, group })
  }

  #toWheel(unit: QueueUnit, waiting: WaitingMessage, writeTimeMs: number): void {
    const { log, wheel, precisionMs, readTimeMs } = this.#parts
    const roll = decideRoll(waiting.slotMs, writeTimeMs, this.#windowSlots, precisionMs)
    // After the clock was set back, future slots may be behind the read position.
    const slotMs = Math.max(roll.slotMs, readTimeMs)
    const isRolled = slotMs !== waiting.slotMs
    const slot = wheel.slot(slotMs)
    const magic =
      TimerMagic.MESSAGE |
      (isRolled ? TimerMagic.ROLL : 0) |
      (waiting.isDelete ? TimerMagic.DELETE : 0)
    const position = log.append({
      previous: slot?.last ?? -1,
      magic,
      writeTimeMs,
      slotMs,
      physicalOffset: unit.physicalOffset,
      recordBytes: unit.sizeBytes,
      topicHash: waiting.topicHash,
      dueMs: isRolled ? 0 : waiting.dueMs,
    })
    wheel.put(slotMs, {
      first: slot?.first ?? position,
      last: position,
      count: (slot?.count ?? 0) + (waiting.isDelete ? -1 : 1),
    })
  }

  /** Recalls a message that has left the wheel or was too late for it, unless it is gone. */
  #recallOpen(record: Buffer, waiting: WaitingMessage, late: DueGroup): void {
    const { due, counts } = this.#parts
    const key = recalledKeyOf(record)
    if (key === undefined) return
    const groups = [...due.groups, late]
    const recalled = { wasMet: false, groups: groups.length }
    for (const group of groups) group.recalled.set(key, recalled)
    counts.add(waiting.topic, -1)
  }

  /** Whether a message of a lost wheel was delivered or rolled from it. */
  #wasDelivered(waiting: WaitingMessage): boolean {
    const { precisionMs, readTimeMs } = this.#parts
    const writeTimeMs = slotBegin(waiting.storeTimestamp, precisionMs)
    const { slotMs } = decideRoll(waiting.slotMs, writeTimeMs, this.#windowSlots, precisionMs)
    const isRolled = slotMs !== waiting.slotMs
    const isDue = isRolled || waiting.dueMs <= (this.#recovered?.deliveredMs ?? 0)
    return slotMs < readTimeMs && isDue
  }
}
