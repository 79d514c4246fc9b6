import { offsetsOf, readInt, readLong, writeInt, writeLong } from '@skylarkmq/protocol'

/**
 * One waiting message in the timer log. Big-endian. Apache: `TimerLog.java`.
 *
 * | at | field          | bytes | what it is                                                              |
 * | -- | -------------- | ----- | ----------------------------------------------------------------------- |
 * |  0 | sizeBytes      | 4     | 52                                                                      |
 * |  4 | previous       | 8     | position of the previous unit in the same slot; −1 for the first        |
 * | 12 | magic          | 4     | bits of `TimerMagic`                                                    |
 * | 16 | writeTimeMs    | 8     | when it was written, cut to a slot                                      |
 * | 24 | delayMs        | 4     | from there to its slot                                                  |
 * | 28 | physicalOffset | 8     | of the message in the commit log                                        |
 * | 36 | recordBytes    | 4     | its length there                                                        |
 * | 40 | topicHash      | 4     | Java's hash of the topic that it is for; 0 when a stop put it back      |
 * | 44 | dueMs          | 8     | when it is due within its slot; 0, as in Apache: at the slot's end      |
 *
 * A file ends with a blank unit: the length of the rest in 4 bytes, 8 of zeros, and `TIMER_BLANK_MAGIC`.
 */
const timerUnitLayout = offsetsOf([
  { name: 'unitBytes', bytes: 4, doc: '52.' },
  { name: 'previous', bytes: 8, doc: 'Position of the unit before in the same slot; −1 for none.' },
  { name: 'magic', bytes: 4, doc: '1 a message, 2 to be rolled, 4 calls another back.' },
  { name: 'writeTimeMs', bytes: 8, doc: 'When it was written, cut to a slot.' },
  { name: 'delayMs', bytes: 4, doc: 'From there to its slot.' },
  { name: 'physicalOffset', bytes: 8, doc: 'Of the message in the commit log.' },
  { name: 'recordBytes', bytes: 4, doc: 'Length of the message there.' },
  { name: 'topicHash', bytes: 4, doc: 'Hash of the topic that it is for.' },
  { name: 'dueMs', bytes: 8, doc: 'When it is due in its slot; 0: at the end.' },
])

/** Length of a unit. */
export const TIMER_UNIT_BYTES = timerUnitLayout.sizeBytes
/** Length of the written part of a blank unit. */
export const TIMER_BLANK_BYTES = 16
/** Marks the end of a file of the timer log. */
const TIMER_BLANK_MAGIC = 0xcbd43194 | 0

/** Bits of a unit's magic. */
export const TimerMagic = {
  MESSAGE: 1,
  /** Too far in the future for one turn of the wheel: enqueued again when its slot comes. */
  ROLL: 2,
  /** Recalls another message of its slot. */
  DELETE: 4,
} as const

/** One waiting message in the timer log. */
export interface TimerUnit {
  readonly previous: number
  readonly magic: number
  readonly writeTimeMs: number
  /** Start time of its slot. */
  readonly slotMs: number
  readonly physicalOffset: number
  readonly recordBytes: number
  readonly topicHash: number
  readonly dueMs: number
}

/** Whether a stop put the message back after it had been taken out of the wheel. */
export function isPutBack(unit: TimerUnit): boolean {
  return unit.topicHash === 0
}

/** Writes a unit to `target` at `at`. */
export function encodeTimerUnit(target: Buffer, at: number, unit: TimerUnit): void {
  const layout = timerUnitLayout
  writeInt(target, at + layout.unitBytes, TIMER_UNIT_BYTES)
  writeLong(target, at + layout.previous, unit.previous)
  writeInt(target, at + layout.magic, unit.magic)
  writeLong(target, at + layout.writeTimeMs, unit.writeTimeMs)
  writeInt(target, at + layout.delayMs, unit.slotMs - unit.writeTimeMs)
  writeLong(target, at + layout.physicalOffset, unit.physicalOffset)
  writeInt(target, at + layout.recordBytes, unit.recordBytes)
  writeInt(target, at + layout.topicHash, unit.topicHash)
  writeLong(target, at + layout.dueMs, unit.dueMs)
}

/** Reads the unit at `at`; `blank` where a file ends early, undefined where there is none. */
export function decodeTimerUnit(bytes: Buffer, at: number): TimerUnit | 'blank' | undefined {
  const layout = timerUnitLayout
  if (bytes.length - at < TIMER_BLANK_BYTES) return undefined
  const magic = readInt(bytes, at + layout.magic)
  if (magic === TIMER_BLANK_MAGIC) return 'blank'
  const isSound =
    bytes.length - at >= TIMER_UNIT_BYTES &&
    readInt(bytes, at + layout.unitBytes) === TIMER_UNIT_BYTES &&
    (magic | 0xf) === 0xf &&
    (magic & TimerMagic.MESSAGE) !== 0 &&
    readInt(bytes, at + layout.recordBytes) > 0
  if (!isSound) return undefined
  const writeTimeMs = readLong(bytes, at + layout.writeTimeMs)
  return {
    previous: readLong(bytes, at + layout.previous),
    magic,
    writeTimeMs,
    slotMs: writeTimeMs + readInt(bytes, at + layout.delayMs),
    physicalOffset: readLong(bytes, at + layout.physicalOffset),
    recordBytes: readInt(bytes, at + layout.recordBytes),
    topicHash: readInt(bytes, at + layout.topicHash),
    dueMs: readLong(bytes, at + layout.dueMs),
  }
}

/** Writes the header of a blank unit to `target` at `at`; `restBytes` is the rest of the file. */
export function encodeTimerBlank(target: Buffer, at: number, restBytes: number): void {
  target.fill(0, at, at + TIMER_BLANK_BYTES)
  writeInt(target, at + timerUnitLayout.unitBytes, restBytes)
  writeInt(target, at + timerUnitLayout.magic, TIMER_BLANK_MAGIC)
}
