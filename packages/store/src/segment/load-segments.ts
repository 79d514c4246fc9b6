import type { Disk, Env } from '@skylarkmq/env'
import { RECORD_BYTES_MIN, readInt } from '@skylarkmq/protocol'
import { StoreSegmentGap, StoreSegmentSize } from '../errors.ts'
import { segmentSizeKept } from '../events.ts'
import { SegmentFile, segmentName } from './segment-file.ts'
import { SegmentQueue, listSegments, removeEmptyLast } from './segment-queue.ts'
import type { FoundSegment } from './segment-queue.ts'

/**
 * Finds the files of a log; its directory is there. Their size is that of the directory, whatever the configuration
 * says. After an unclean stop a last file may be short, because the store died while it zeroed its end: it
 * gets its size back. Throws the host's error, ERR_STORE_SEGMENT_SIZE or ERR_STORE_SEGMENT_GAP.
 */
export function loadSegments(
  env: Env,
  directory: string,
  configuredBytes: number,
  clean: boolean,
): SegmentQueue {
  removeEmptyLast(env.disk, directory)
  const found = listSegments(env.disk, directory)
  const sizeBytes = clean
    ? (found[0]?.sizeBytes ?? configuredBytes)
    : sizeAfterCrash(env.disk, directory, found, configuredBytes)
  if (sizeBytes !== configuredBytes) {
    env.events.emit(segmentSizeKept, { directory, sizeBytes, configuredBytes })
  }
  const files = found.map((each, i) => {
    const file = new SegmentFile(env.disk, directory, each.firstOffset, sizeBytes)
    const expectedOffset = (found[0]?.firstOffset ?? 0) + i * sizeBytes
    if (each.sizeBytes !== sizeBytes) {
      const isShort = each.sizeBytes < sizeBytes && hasNothingBehind(env.disk, directory, found, i)
      if (clean || !isShort) {
        const { path } = file
        throw new StoreSegmentSize({ path, sizeBytes: each.sizeBytes, expectedBytes: sizeBytes })
      }
      file.lengthen()
    }
    if (each.firstOffset !== expectedOffset) {
      throw new StoreSegmentGap({ path: file.path, expectedOffset })
    }
    return file
  })
  return new SegmentQueue(env.disk, directory, sizeBytes, files)
}

/** The size of whole files, of which there may be one, and that one may be short. */
function sizeAfterCrash(
  disk: Disk,
  directory: string,
  found: readonly FoundSegment[],
  configuredBytes: number,
): number {
  const [first, second] = found
  if (first === undefined) return configuredBytes
  if (second !== undefined) return second.firstOffset - first.firstOffset
  if (first.sizeBytes >= configuredBytes) return first.sizeBytes
  const path = `${directory}/${segmentName(first.firstOffset)}`
  // Its last bytes are a blank record in a file that is whole, and zeros in one that is not full.
  return endsWithRecord(disk, path, first.sizeBytes) ? configuredBytes : first.sizeBytes
}

/** Whether records fill a file to its last byte, going by their lengths. */
function endsWithRecord(disk: Disk, path: string, sizeBytes: number): boolean {
  const file = disk.open(path, 'read')
  const head = Buffer.alloc(4)
  try {
    let at = 0
    while (at < sizeBytes) {
      const size = file.readNow(head, at) === head.length ? readInt(head, 0) : 0
      if (size < RECORD_BYTES_MIN) return false
      at += size
    }
    return at === sizeBytes
  } finally {
    file.close()
  }
}

/** Whether all files behind one were made ahead: nothing is in them. */
function hasNothingBehind(
  disk: Disk,
  directory: string,
  found: readonly FoundSegment[],
  index: number,
): boolean {
  return found.slice(index + 1).every((each) => {
    const file = disk.open(`${directory}/${segmentName(each.firstOffset)}`, 'read')
    const head = Buffer.alloc(8)
    try {
      file.readNow(head, 0)
    } finally {
      file.close()
    }
    return head.every((byte) => byte === 0)
  })
}
