import type { Disk, Env } from '@skylarkmq/env'
import { RECORD_BYTES_MIN, readInt, recordStoreTimestamp } from '@skylarkmq/protocol'
import { StoreSegmentGap, StoreSegmentSize } from '../errors.ts'
import { segmentSizeKept, segmentsSetAside } from '../events.ts'
import { localTime } from '../message/local-time.ts'
import { SegmentFile, segmentName } from './segment-file.ts'
import { SegmentQueue, listSegments, removeEmptyLast } from './segment-queue.ts'
import type { FoundSegment } from './segment-queue.ts'

/** Part of the name of folders for files that lay behind a missing one. */
export const SET_ASIDE = '.behind-gap-'

/** How much of a log is on disk, by the checkpoint. */
export interface ProvenLog {
  /** Everything before this offset; undefined when the broker that stopped last did not state it. */
  readonly physicalEnd: number | undefined
  /** All messages stored up to this time, ms; 0 when unknown. */
  readonly timestamp: number
}

/**
 * Finds the files of a log, whose directory exists. Their size is taken from the directory, whatever the
 * configuration says. After an unclean stop (`proven` is defined) a short last file gets its size back, because the
 * store may have died while zeroing its end; and files behind a missing one that were not on disk yet are moved to a
 * separate folder. `proven` is undefined after a clean stop. Throws the host's error, ERR_STORE_SEGMENT_SIZE or
 * ERR_STORE_SEGMENT_GAP.
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

/** The size of full files, when there may be only one, which may be short. */
function sizeAfterCrash(
  disk: Disk,
  directory: string,
  found: readonly FoundSegment[],
  configuredBytes: number,
): number {
  const [first, second] = found
  if (first === undefined) return configuredBytes
  if (second !== undefined) {
    // If two files have the same size, it is that one, even if a file between them is missing.
    if (second.sizeBytes === first.sizeBytes) return first.sizeBytes
    return second.firstOffset - first.firstOffset
  }
  if (first.sizeBytes >= configuredBytes) return first.sizeBytes
  const path = `${directory}/${segmentName(first.firstOffset)}`
  // A full file ends with a blank record, one that is not full with zeros.
  return endsWithRecord(disk, path, first.sizeBytes) ? configuredBytes : first.sizeBytes
}

/**
 * The files up to the first missing one. Later files are moved to a folder beside the log if they were not on disk
 * yet: a power cut may keep a file and lose its predecessor whose name was not synced either, so nothing in them was
 * acknowledged as on disk. Throws ERR_STORE_SEGMENT_GAP when they were on disk, or when that is unknown.
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

/** Whether files behind a missing one may have been on disk, which means that something else removed it. */
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

/** Whether records fill a file to its last byte, by their lengths. */
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

/** Whether all later files are empty: created ahead. */
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

/** The bytes of a file that contain the store time of its first record. */
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
