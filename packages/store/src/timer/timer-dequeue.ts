import { hostErrorCode, textOfThrown } from '@skylarkmq/env'
import { decodeRecord, type DecodedMessage } from '@skylarkmq/protocol'
import { DeliveredBefore } from '../delivery/delivered-before.ts'
import { UnflushedDeliveries } from '../delivery/unflushed-deliveries.ts'
import { timerFailed, timerMessageLost, timerNotDelivered, timerSlotTorn } from '../events.ts'
import type { MessageToStore } from '../message/message.ts'
import { isStored, isUnfit } from '../message/status.ts'
import type { DueGroup, DueMessage } from './due-messages.ts'
import { TimerMagic, isPutBack, type TimerUnit } from './timer-log-unit.ts'
import { settleRecalls } from './timer-counts.ts'
import { slotBegin, type TimerParts } from './timer-parts.ts'
import { TIMER_SLOTS } from './timer-wheel.ts'
import {
  deliveryOf,
  messageOnItsWay,
  nextStepOf,
  readWaiting,
  recallKeyOf,
  recalledKeyOf,
} from './waiting-message.ts'

/** Messages delivered per turn, so that other work can run. */
const BATCH_MAX = 256
/** With another `timerPrecisionMs`, the starts of two slots of one time differ by this at most. */
const SLOTS_DIFFER_MS = 1000
/** With this many due messages in memory no further slot is taken out of the wheel. */
const DUE_MAX = 20_000

/** Called for each message that was delivered. */
export type DeliveryListener = (topic: string, sizeBytes: number) => void

/**
 * Takes slots out of the wheel when their time comes and delivers their messages. Apache: `TimerMessageStore.java`,
 * dequeue.
 */
export class TimerDequeue {
  readonly #parts: TimerParts
  /** Deliveries before a crash that the check point does not include; undefined once they cannot recur. */
  #before: DeliveredBefore | undefined
  readonly #listeners: DeliveryListener[] = []
  /** Deliveries that are written but were not on disk at the last check. */
  readonly #notOnDisk = new UnflushedDeliveries<DueMessage>()

  constructor(parts: TimerParts) {
    this.#parts = parts
  }

  onDelivery(listener: DeliveryListener): void {
    this.#listeners.push(listener)
  }

  /**
   * Searches the commit log from an offset on for deliveries before a crash. Returns the last slot of them, ms;
   * undefined when there were none. Throws the host's error.
   */
  findDelivered(commitLogEnd: number): number | undefined {
    const before = new DeliveredBefore()
    let lastMs = 0
    this.#parts.host.scanFrom(commitLogEnd, (record) => {
      const delivery = deliveryOf(record)
      if (delivery === undefined) return
      before.found(delivery.key)
      lastMs = Math.max(lastMs, delivery.slotMs)
    })
    if (before.isEmpty) return undefined
    this.#before = before
    return lastMs
  }

  /** No delivery from before the crash can recur any more. */
  forgetDelivered(): void {
    this.#before = undefined
  }

  /**
   * Takes the next slot out of the wheel if an orderly stop put messages into it: those are due before, also where the
   * clock was set back so that the slot is hours away. Throws the host's error, and can be called again.
   */
  openPutBack(): void {
    const parts = this.#parts
    const units = this.#chainOf(parts.readTimeMs) ?? []
    if (!units.some(isPutBack)) return
    this.#open(parts.readTimeMs)
    parts.readTimeMs += parts.precisionMs
  }

  /** Takes all slots that have begun by a time out of the wheel. Throws the host's error, and can be called again. */
  openSlots(now: number): void {
    const parts = this.#parts
    const { wheel, due, precisionMs } = parts
    while (parts.readTimeMs <= now && due.size < DUE_MAX) {
      const far = parts.readTimeMs + TIMER_SLOTS * precisionMs
      const next = wheel.nextOccupied(parts.readTimeMs, Math.min(now + 1, far))
      if (next !== undefined) this.#open(next)
      parts.readTimeMs = (next ?? slotBegin(now, precisionMs)) + precisionMs
    }
  }

  #open(slotMs: number): void {
    const { host, due } = this.#parts
    const units = this.#chainOf(slotMs) ?? this.#searched(slotMs)
    const group: DueGroup = {
      slotMs,
      queueOffset: 0,
      timerLogEnd: 0,
      commitLogEnd: host.commitLogOffsetMax,
      left: 0,
      recalled: new Map(),
    }
    const messages: DueMessage[] = []
    const seen = new Set<number>()
    for (const unit of units) {
      // Two units with one offset: the message of the first was lost when the log was cut, and the second took its
      // offset.
      if (!seen.has(unit.physicalOffset)) this.#sortUnit(unit, group, messages)
      seen.add(unit.physicalOffset)
    }
    group.left = messages.length
    due.add(group, messages)
    settleRecalls(group, this.#parts.counts)
  }

  /** The units of a slot, oldest first; undefined when the slot and the timer log disagree. */
  #chainOf(slotMs: number): TimerUnit[] | undefined {
    const { log, wheel, precisionMs } = this.#parts
    const units: TimerUnit[] = []
    for (let position = wheel.slot(slotMs)?.last ?? -1; position >= 0;) {
      const unit = log.unitAt(position)
      if (unit === undefined || slotBegin(unit.slotMs, precisionMs) !== slotMs) return undefined
      if (unit.previous >= position) return undefined
      units.push(unit)
      position = unit.previous
    }
    return units.reverse()
  }

  /** As `#chainOf`, but reads the whole timer log: a power cut may have torn the slot. */
  #searched(slotMs: number): TimerUnit[] {
    const { env, log, precisionMs } = this.#parts
    const units: TimerUnit[] = []
    log.forEach((unit) => {
      if (slotBegin(unit.slotMs, precisionMs) === slotMs) units.push(unit)
    })
    env.events.emit(timerSlotTorn, { slotMs, units: units.length })
    return units
  }

  #sortUnit(unit: TimerUnit, group: DueGroup, messages: DueMessage[]): void {
    const { host, precisionMs } = this.#parts
    const isRolled = (unit.magic & TimerMagic.ROLL) !== 0
    if ((unit.magic & TimerMagic.DELETE) !== 0 && !isRolled) {
      const record = host.recordAt(unit.physicalOffset, unit.recordBytes)
      const key = record === undefined ? undefined : recalledKeyOf(record)
      if (key !== undefined) group.recalled.set(key, { wasMet: false, groups: 1 })
      return
    }
    const slotEndMs = unit.slotMs + precisionMs
    // Apache's units do not say when in the slot a message is due; a message put back at a stop was due before its
    // slot.
    const isTold = unit.dueMs > 0 && unit.dueMs <= slotEndMs
    messages.push({
      dueMs: isTold ? unit.dueMs : slotEndMs,
      physicalOffset: unit.physicalOffset,
      recordBytes: unit.recordBytes,
      enqueueMs: unit.writeTimeMs,
      isRolled,
      unitSlotMs: isRolled || isPutBack(unit) ? undefined : unit.slotMs,
      group,
    })
  }

  /** Delivers what is due and returns it; it counts as done once the turn's writes have succeeded. */
  deliver(): DueMessage[] {
    const { due, env } = this.#parts
    const taken = due.take(env.clock.now(), BATCH_MAX)
    for (let i = 0; i < taken.length; i++) {
      if (this.#tryOne(taken[i] as DueMessage)) continue
      due.putBack(taken.slice(i))
      return taken.slice(0, i)
    }
    return taken
  }

  /** False when the message must be retried. */
  #tryOne(message: DueMessage): boolean {
    try {
      return this.#deliver(message)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#parts.env.events.emit(timerFailed, { reason: textOfThrown(error) })
      return false
    }
  }

  /** Only a part of the log could be written: the rest must be delivered again. */
  writtenInPart(messages: readonly DueMessage[]): void {
    const { host, due } = this.#parts
    const isThere = ({ writtenEnd = 0 }: DueMessage): boolean =>
      writtenEnd <= host.commitLogOffsetWritten
    const missing = messages.filter((message) => !isThere(message))
    due.putBack(missing)
    this.delivered(messages.filter(isThere))
  }

  /** Counts messages whose delivery is written as done. */
  delivered(messages: readonly DueMessage[]): void {
    const { counts, due, host } = this.#parts
    this.#notOnDisk.written(messages, host.flushedOffset)
    for (const message of messages) {
      if (message.counted !== undefined) counts.add(message.counted.topic, message.counted.change)
      const group = due.done(message)
      if (group !== undefined) settleRecalls(group, counts)
    }
  }

  /** The log was cut at an offset: deliveries behind it must be repeated. */
  logCut(offset: number): void {
    const { due, counts } = this.#parts
    for (const message of this.#notOnDisk.cut(offset)) {
      if (message.counted !== undefined) counts.add(message.counted.topic, -message.counted.change)
      message.group.left++
      due.add(message.group, [message])
    }
  }

  /** False when the store does not accept the message now. */
  #deliver(due: DueMessage): boolean {
    const { env, host, precisionMs } = this.#parts
    const { physicalOffset, recordBytes, isRolled, enqueueMs } = due
    const record = host.recordAt(physicalOffset, recordBytes)
    if (record === undefined) {
      const reason = 'the commit log does not have it any more'
      env.events.emit(timerMessageLost, { physicalOffset, reason })
      return true
    }
    if (!isRolled && this.isRecalled(due, record)) return true
    const waiting = readWaiting(record, precisionMs)
    // After a cut the log may have another message at this offset, which has a slot of its own.
    const isOther =
      !isRolled &&
      waiting !== undefined &&
      (waiting.slotMs > (due.group.slotMs ?? Infinity) ||
        Math.abs(waiting.slotMs - (due.unitSlotMs ?? waiting.slotMs)) > SLOTS_DIFFER_MS)
    if (waiting === undefined || isOther || (waiting.isDelete && !isRolled)) return true
    const waited = decodeRecord(record)
    const message = messageOnItsWay(record, waited, isRolled, enqueueMs, env.clock.now())
    const wasDelivered = this.#takeBefore(waited)
    due.writtenEnd = 0
    if (message !== undefined && !wasDelivered && !this.#put(due, message)) return false
    if (enqueueMs !== undefined) {
      due.counted = { topic: waiting.topic, change: waiting.isDelete ? 1 : -1 }
    }
    return true
  }

  /** Whether a message was recalled. */
  isRecalled({ group }: DueMessage, record: Buffer): boolean {
    if (group.recalled.size === 0) return false
    const key = recallKeyOf(record)
    const recalled = key === undefined ? undefined : group.recalled.get(key)
    if (recalled === undefined) return false
    recalled.wasMet = true
    return true
  }

  /** Whether a timer message was already forwarded before a crash. Consumes the match, so it must be called once. */
  wentOnBefore(record: Buffer): boolean {
    return this.#before !== undefined && this.#takeBefore(decodeRecord(record))
  }

  #takeBefore(waited: DecodedMessage): boolean {
    return this.#before?.take(nextStepOf(waited)) === true
  }

  #put(due: DueMessage, message: MessageToStore): boolean {
    const { env, host } = this.#parts
    const result = host.putMessage(message)
    if (result instanceof Promise) return true
    if (!isStored(result.status)) {
      const reason = result.remark ?? result.status
      const isRefused = isUnfit(result.status)
      env.events.emit(timerNotDelivered, { topic: message.topic, reason, isRefused })
      return isRefused
    }
    due.writtenEnd = result.physicalOffset + result.sizeBytes
    this.#parts.deliveredTotal++
    for (const listener of this.#listeners) listener(message.topic, result.sizeBytes)
    return true
  }
}
