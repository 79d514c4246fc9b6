import type { DiskFile } from '@skylarkmq/env'
import { readInt, readLong, writeInt } from '@skylarkmq/protocol'
import { indexEntry, indexHeader } from './index-layout.ts'
import type { IndexSizes } from './index-layout.ts'

const WINDOW_ENTRIES = 16 * 1024
const ENTRY_BYTES = indexEntry.sizeBytes

/** What is known of an index file at a recovery point. */
export interface SlotState {
  /** Entries before this number are in the slots on disk. */
  readonly slotEnd: number
  /** Entries before this number are on disk. */
  readonly indexCount: number
  /** Entries of this number and above are of messages from this physical offset on. */
  readonly indexEnd: number
}

/**
 * The slots of an index file as they were at a recovery point. Since then some may have been written with newer
 * entries in them: each of those leads back to what was there before. If one does not, because its entry never
 * reached the disk, all slots are made anew from the entries. Calls `changed` for each slot that is another than on
 * disk. Throws the host's error.
 */
export function restoreSlots(
  file: DiskFile,
  sizes: IndexSizes,
  state: SlotState,
  changed: (slot: number) => void,
): Buffer {
  const slots = Buffer.alloc(sizes.slots * 4)
  file.readNow(slots, indexHeader.sizeBytes)
  let from = state.slotEnd
  if (!stepBack(file, sizes, state, slots, changed)) {
    slots.fill(0)
    for (let slot = 0; slot < sizes.slots; slot++) changed(slot)
    from = 1
  }
  const window = Buffer.alloc(WINDOW_ENTRIES * ENTRY_BYTES)
  for (let first = from; first < state.indexCount; first += WINDOW_ENTRIES) {
    const count = Math.min(WINDOW_ENTRIES, state.indexCount - first)
    file.readNow(window.subarray(0, count * ENTRY_BYTES), entryAt(sizes, first))
    for (let i = 0; i < count; i++) {
      const slot = readInt(window, i * ENTRY_BYTES + indexEntry.keyHash) % sizes.slots
      writeInt(slots, slot * 4, first + i)
      changed(slot)
    }
  }
  return slots
}

function stepBack(
  file: DiskFile,
  sizes: IndexSizes,
  state: SlotState,
  slots: Buffer,
  changed: (slot: number) => void,
): boolean {
  const entry = Buffer.alloc(ENTRY_BYTES)
  for (let slot = 0; slot < sizes.slots; slot++) {
    const head = readInt(slots, slot * 4)
    if (head < state.indexCount) continue
    let number = head
    while (number >= state.indexCount) {
      if (number >= sizes.entries) return false
      entry.fill(0)
      file.readNow(entry, entryAt(sizes, number))
      const previous = readInt(entry, indexEntry.previous)
      const isOfSlot = readInt(entry, indexEntry.keyHash) % sizes.slots === slot
      const isYounger = readLong(entry, indexEntry.physicalOffset) >= state.indexEnd
      if (!isOfSlot || !isYounger || previous < 0 || previous >= number) return false
      number = previous
    }
    writeInt(slots, slot * 4, number)
    changed(slot)
  }
  return true
}

function entryAt(sizes: IndexSizes, number: number): number {
  return indexHeader.sizeBytes + sizes.slots * 4 + number * ENTRY_BYTES
}
