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

/** Messages put into the wheel in one turn. */
const BATCH_MAX = 1000
/** As Apache keeps some slots free. */
const BLANK_SLOTS = 60

/** Where a message waits next, and whether only to be rolled. */
export interface RollDecision {
  readonly slotMs: number
  readonly isRolled: boolean
}

/**
 * The slot of a message that is put into the wheel at `writeTimeMs`: its own, or one in between when that is further
 * than `windowSlots` away. Apache: `TimerMessageStore.java`, doEnqueue.
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
  // Whoever has little more than one window to wait takes two halves, so that the last part is not too short.
  const partMs = isNearNext ? Math.floor(windowSlots / 2) * precisionMs : windowMs
  return { slotMs: writeTimeMs + partMs, isRolled: true }
}

/** `timerRollWindowSlot`, or all of the wheel when it is out of bounds. */
function rollWindowSlots(configured: number): number {
  const most = TIMER_SLOTS / 2 - BLANK_SLOTS
  return configured > most || configured < 2 ? most : configured
}

/** Takes messages from the queue of those that wait and puts them into the wheel. Apache: `TimerMessageStore.java`, enqueue. */
export class TimerEnqueue {
  readonly #parts: TimerParts
  readonly #windowSlots: number
  #recovered: RecoveredTimers | undefined
  readonly #wentOn: (record: Buffer) => boolean

  /** `wentOn` tells whether a message went on before a crash, and is to be asked once of each. */
  constructor(parts: TimerParts, recovered: RecoveredTimers, wentOn: (record: Buffer) => boolean) {
    this.#parts = parts
    this.#recovered = recovered
    this.#wentOn = wentOn
    this.#windowSlots = rollWindowSlots(parts.config.timerRollWindowSlot)
  }

  /** Whether all that was in the queue at the start is in the wheel. */
  get isCaughtUp(): boolean {
    return this.#recovered === undefined
  }

  /** Puts what has come into the wheel; returns whether more is left. Throws the host's error, and can be called again. */
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
    // What waits for the disk makes room when it is there, and the next look goes on.
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
    // With a clock that was set back it would wait in a slot that is not its own.
    if (this.#wentOn(record)) return
    const nowSlotMs = slotBegin(env.clock.now(), precisionMs)
    const isPast = waiting.slotMs < nowSlotMs
    // What was there at the start goes through the wheel, too: there it meets who called it back.
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
    // Of a clock that was set back, slots that are to come are behind already.
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

  /** Calls back a message that left the wheel, or is too late for it as well, unless it is gone. */
  #recallOpen(record: Buffer, waiting: WaitingMessage, late: DueGroup): void {
    const { due, counts } = this.#parts
    const key = recalledKeyOf(record)
    if (key === undefined) return
    const groups = [...due.groups, late]
    const recalled = { wasMet: false, groups: groups.length }
    for (const group of groups) group.recalled.set(key, recalled)
    counts.add(waiting.topic, -1)
  }

  /** Whether a message of a wheel that is lost was delivered or rolled from there. */
  #wasDelivered(waiting: WaitingMessage): boolean {
    const { precisionMs, readTimeMs } = this.#parts
    const writeTimeMs = slotBegin(waiting.storeTimestamp, precisionMs)
    const { slotMs } = decideRoll(waiting.slotMs, writeTimeMs, this.#windowSlots, precisionMs)
    const isRolled = slotMs !== waiting.slotMs
    const isDue = isRolled || waiting.dueMs <= (this.#recovered?.deliveredMs ?? 0)
    return slotMs < readTimeMs && isDue
  }
}
