import type { Disk, Env } from '@skylarkmq/env'
import { RECORD_BYTES_MIN, readInt, recordStoreTimestamp } from '@skylarkmq/protocol'
import { StoreSegmentGap, StoreSegmentSize } from '../errors.ts'
import { segmentSizeKept, segmentsSetAside } from '../events.ts'
import { localTime } from '../message/local-time.ts'
import { SegmentFile, segmentName } from './segment-file.ts'
import { SegmentQueue, listSegments, removeEmptyLast } from './segment-queue.ts'
import type { FoundSegment } from './segment-queue.ts'

/** Part of the name of a folder with files that lay behind a missing one. */
export const SET_ASIDE = '.behind-gap-'

/** How much of a log is on disk, going by the checkpoint. */
export interface ProvenLog {
  /** All before this offset; undefined when the broker that stopped last did not say. */
  readonly physicalEnd: number | undefined
  /** All messages that were stored up to then, ms; 0 when that is not known. */
  readonly timestamp: number
}

/**
 * Finds the files of a log; its directory is there. Their size is that of the directory, whatever the configuration
 * says. After an unclean stop, of which `proven` tells, a last file may be short, because the store died while it
 * zeroed its end: it gets its size back; and files behind a missing one that were on their way to the disk are moved
 * to a folder of their own. `proven` is undefined after an orderly stop. Throws the host's error,
 * ERR_STORE_SEGMENT_SIZE or ERR_STORE_SEGMENT_GAP.
 */
export function loadSegments(
  env: Env,
  directory: string,
  configuredBytes: number,
  proven: ProvenLog | undefined,
): SegmentQueue {
  removeEmptyLast(env.disk, directory)
  const listed = listSegments(env.disk, directory)
  const sizeBytes =
    proven === undefined
      ? (listed[0]?.sizeBytes ?? configuredBytes)
      : sizeAfterCrash(env.disk, directory, listed, configuredBytes)
  if (sizeBytes !== configuredBytes) {
    env.events.emit(segmentSizeKept, { directory, sizeBytes, configuredBytes })
  }
  const found = withoutGap(env, directory, listed, sizeBytes, proven)
  const files = found.map((each, i) => {
    const file = new SegmentFile(env.disk, directory, each.firstOffset, sizeBytes)
    if (each.sizeBytes !== sizeBytes) {
      const isShort = each.sizeBytes < sizeBytes && hasNothingBehind(env.disk, directory, found, i)
      if (proven === undefined || !isShort) {
        const { path } = file
        throw new StoreSegmentSize({ path, sizeBytes: each.sizeBytes, expectedBytes: sizeBytes })
      }
      file.lengthen()
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
  if (second !== undefined) {
    // Files of one size have that, though one in between may be missing.
    if (second.sizeBytes === first.sizeBytes) return first.sizeBytes
    return second.firstOffset - first.firstOffset
  }
  if (first.sizeBytes >= configuredBytes) return first.sizeBytes
  const path = `${directory}/${segmentName(first.firstOffset)}`
  // Its last bytes are a blank record in a file that is whole, and zeros in one that is not full.
  return endsWithRecord(disk, path, first.sizeBytes) ? configuredBytes : first.sizeBytes
}

/**
 * The files up to the first that is missing. What lies behind it goes to a folder beside the log when it was not on
 * disk yet: a power cut may keep a file and lose the one before it, whose name was not on disk either, so nobody was
 * told that it was. Throws ERR_STORE_SEGMENT_GAP when that is not so, or not known.
 */
function withoutGap(
  env: Env,
  directory: string,
  found: readonly FoundSegment[],
  sizeBytes: number,
  proven: ProvenLog | undefined,
): readonly FoundSegment[] {
  const start = found[0]?.firstOffset ?? 0
  const index = found.findIndex((each, i) => each.firstOffset !== start + i * sizeBytes)
  if (index < 0) return found
  const behind = found.slice(index)
  const expectedOffset = start + index * sizeBytes
  const path = `${directory}/${segmentName(behind[0]?.firstOffset ?? 0)}`
  if (proven === undefined || mayBeProven(env.disk, directory, behind, expectedOffset, proven)) {
    throw new StoreSegmentGap({ path, expectedOffset })
  }
  const folder = `${directory}${SET_ASIDE}${localTime(env.clock.now()).digits}`
  env.disk.makeDirectory(folder)
  for (const { firstOffset } of [...behind].reverse()) {
    const name = segmentName(firstOffset)
    env.disk.rename(`${directory}/${name}`, `${folder}/${name}`)
  }
  for (const each of [folder, directory]) env.disk.syncDirectoryNow(each)
  env.events.emit(segmentsSetAside, { folder, files: behind.length, expectedOffset })
  return found.slice(0, index)
}

/** Whether files behind a missing one may have been on disk, in which case something else took that one away. */
function mayBeProven(
  disk: Disk,
  directory: string,
  behind: readonly FoundSegment[],
  expectedOffset: number,
  proven: ProvenLog,
): boolean {
  if (proven.physicalEnd !== undefined) return proven.physicalEnd > expectedOffset
  return behind.some(({ firstOffset }) => {
    const head = headOf(disk, directory, firstOffset)
    if (head.every((byte) => byte === 0)) return false
    return recordStoreTimestamp(head) <= proven.timestamp || proven.timestamp === 0
  })
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
  return found
    .slice(index + 1)
    .every((each) => headOf(disk, directory, each.firstOffset).every((byte) => byte === 0))
}

/** The bytes of a file in which a record says when it was stored. */
function headOf(disk: Disk, directory: string, firstOffset: number): Buffer {
  const file = disk.open(`${directory}/${segmentName(firstOffset)}`, 'read')
  const head = Buffer.alloc(RECORD_BYTES_MIN)
  try {
    file.readNow(head, 0)
  } finally {
    file.close()
  }
  return head
}
