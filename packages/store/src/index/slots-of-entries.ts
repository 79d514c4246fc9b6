import type { DiskFile } from '@skylarkmq/env'
import { readInt, writeInt } from '@skylarkmq/protocol'
import { indexEntry, indexHeader } from './index-layout.ts'
import type { IndexSizes } from './index-layout.ts'

const WINDOW_ENTRIES = 16 * 1024
const ENTRY_BYTES = indexEntry.sizeBytes

/**
 * Rebuilds the slots of an index file from its entries below number `indexCount`: after a crash the slots on disk may
 * be of any age. Each entry names the previous one in its chain, so the newest entry of each slot is enough. Takes
 * about 20 ms for a million entries. Throws the host's error.
 */
export function slotsOfEntries(file: DiskFile, sizes: IndexSizes, indexCount: number): Buffer {
  const slots = Buffer.alloc(sizes.slots * 4)
  const window = Buffer.alloc(Math.min(WINDOW_ENTRIES, indexCount) * ENTRY_BYTES)
  const entriesAt = indexHeader.sizeBytes + sizes.slots * 4
  for (let first = 1; first < indexCount; first += WINDOW_ENTRIES) {
    const count = Math.min(WINDOW_ENTRIES, indexCount - first)
    file.readNow(window.subarray(0, count * ENTRY_BYTES), entriesAt + first * ENTRY_BYTES)
    for (let i = 0; i < count; i++) {
      const slot = readInt(window, i * ENTRY_BYTES + indexEntry.keyHash) % sizes.slots
      writeInt(slots, slot * 4, first + i)
    }
  }
  return slots
}
