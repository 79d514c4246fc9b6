import { offsetsOf, readInt, readLong, writeInt, writeLong } from '@skylarkmq/protocol'

/**
 * One message in a consume queue. All numbers are big-endian. Apache: `ConsumeQueue.java`.
 *
 * | at | field          | bytes | what it is                                                         |
 * | -- | -------------- | ----- | ------------------------------------------------------------------ |
 * |  0 | physicalOffset | 8     | where the record starts in the commit log                          |
 * |  8 | size           | 4     | length of the record; 7fffffff with offset 0: no message, a filler |
 * | 12 | tagsCode       | 8     | hash of the tag, or for a delayed message the time it is due       |
 */
const consumeQueueUnit = offsetsOf([
  { name: 'physicalOffset', bytes: 8, doc: 'Where the record starts in the commit log.' },
  { name: 'size', bytes: 4, doc: 'Length of the record in bytes.' },
  { name: 'tagsCode', bytes: 8, doc: 'Hash of the tag, or the time a delayed message is due.' },
])

/** Length of a unit. */
export const UNIT_BYTES = consumeQueueUnit.sizeBytes
/** Size of a unit that stands for no message. */
export const FILLER_SIZE = 0x7fffffff
/**
 * Tags codes below this are addresses in the extended queue that Apache keeps with `enableConsumeQueueExt`; the tag
 * is then only in the record. Apache: `ConsumeQueueExt.java`, isExtAddr.
 */
export const TAGS_CODE_MIN = -0x80000000

const { physicalOffset: PHYSICAL, size: SIZE, tagsCode: TAGS } = consumeQueueUnit

/** Writes a unit at `target[at …]`. */
export function writeUnit(
  target: Buffer,
  at: number,
  physicalOffset: number,
  sizeBytes: number,
  tagsCode: number,
): void {
  writeLong(target, at + PHYSICAL, physicalOffset)
  writeInt(target, at + SIZE, sizeBytes)
  writeLong(target, at + TAGS, tagsCode)
}

/** Physical offset of the record that the unit at `buffer[at …]` names. */
export function unitPhysicalOffset(buffer: Buffer, at: number): number {
  return readLong(buffer, at + PHYSICAL)
}

/** Length of the record in bytes; 0 where no unit was written. */
export function unitSize(buffer: Buffer, at: number): number {
  return readInt(buffer, at + SIZE)
}

/** The tags code; an address in an extended queue when it is below `TAGS_CODE_MIN`. */
export function unitTagsCode(buffer: Buffer, at: number): number {
  return readLong(buffer, at + TAGS)
}

/** True for a filler unit, which only keeps the numbering. */
export function isFiller(buffer: Buffer, at: number): boolean {
  return unitSize(buffer, at) === FILLER_SIZE && unitPhysicalOffset(buffer, at) === 0
}
