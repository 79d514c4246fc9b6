import { offsetsOf } from '@skylarkmq/protocol'

/**
 * The header of an index file. It is followed by `maxHashSlotNum` slots of 4 bytes, each with the number of the
 * newest entry of its chain, and `maxIndexNum` entries of 20 bytes, of which number 0 is unused. Big-endian.
 * Apache: `IndexHeader.java`, `IndexFile.java`.
 *
 * | at | field          | bytes | what it is                                   |
 * | -- | -------------- | ----- | -------------------------------------------- |
 * |  0 | beginTimestamp | 8     | store time of the first message, in ms       |
 * |  8 | endTimestamp   | 8     | … of the last                                |
 * | 16 | beginOffset    | 8     | physical offset of the first message         |
 * | 24 | endOffset      | 8     | … of the last                                |
 * | 32 | slotCount      | 4     | slots in use                                 |
 * | 36 | indexCount     | 4     | number of the next entry, from 1 on          |
 */
export const indexHeader = offsetsOf([
  { name: 'beginTimestamp', bytes: 8, doc: 'Store time of the first message, ms.' },
  { name: 'endTimestamp', bytes: 8, doc: 'Store time of the last message, ms.' },
  { name: 'beginOffset', bytes: 8, doc: 'Physical offset of the first message.' },
  { name: 'endOffset', bytes: 8, doc: 'Physical offset of the last message.' },
  { name: 'slotCount', bytes: 4, doc: 'Slots in use.' },
  { name: 'indexCount', bytes: 4, doc: 'Number of the next entry, from 1 on.' },
])

/**
 * An entry of an index file.
 *
 * | at | field          | bytes | what it is                                                 |
 * | -- | -------------- | ----- | ---------------------------------------------------------- |
 * |  0 | keyHash        | 4     | positive hash of `topic#key`                               |
 * |  4 | physicalOffset | 8     | of the message                                             |
 * | 12 | seconds        | 4     | from the file's beginTimestamp to its store time           |
 * | 16 | previous       | 4     | number of the previous entry in its chain, 0 for none      |
 */
export const indexEntry = offsetsOf([
  { name: 'keyHash', bytes: 4, doc: 'Positive hash of topic#key.' },
  { name: 'physicalOffset', bytes: 8, doc: 'Where the record starts.' },
  { name: 'seconds', bytes: 4, doc: 'Store time, seconds after beginTimestamp.' },
  { name: 'previous', bytes: 4, doc: 'Entry before it in the chain, 0 for none.' },
])

/** The sizes with which an index file is created. */
export interface IndexSizes {
  readonly slots: number
  readonly entries: number
}

/** Size of an index file in bytes. */
export function indexFileBytes(sizes: IndexSizes): number {
  return indexHeader.sizeBytes + sizes.slots * 4 + sizes.entries * indexEntry.sizeBytes
}
