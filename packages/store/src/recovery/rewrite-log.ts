import { BLANK_RECORD_BYTES, encodeBlank } from '@skylarkmq/protocol'
import type { SegmentFile } from '../segment/segment-file.ts'
import type { SegmentQueue } from '../segment/segment-queue.ts'
import type { CommitLog } from '../commitlog/commit-log.ts'
import { scanLog } from '../commitlog/scan-log.ts'

const BLOCK_BYTES = 1024 * 1024
const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(PAGE_BYTES)

/**
 * Writes the log once more, in its place, from `from` on, at which a record begins: after a failed sync the host
 * counts those pages as written, and only a new write makes it try again. What is still in memory is taken from
 * there. The rest is read back, and counts as far as its records are sound, because the host may have dropped
 * what it could not write. Returns up to where the log is as it was. Throws the host's error.
 */
export function rewriteLog(log: CommitLog, from: number): number {
  const end = log.offsetWritten
  for (const file of filesOf(log.segments, from, end)) file.close()
  const { chunks } = log
  const memoryFrom = Math.min(end, Math.max(from, chunks[0]?.start ?? end))
  const provenEnd = rewriteFromFiles(log.segments, from, memoryFrom)
  if (provenEnd < memoryFrom) return provenEnd
  for (const chunk of chunks) {
    const skipped = Math.max(0, from - chunk.start)
    if (skipped >= chunk.written) continue
    const bytes = chunk.buffer.subarray(skipped, chunk.written)
    writeAt(log.segments, chunk.start + skipped, bytes)
  }
  return end
}

/** Reads sound records of `[from, to)` and writes each to where it is; returns where the sound ones end. */
export function rewriteFromFiles(segments: SegmentQueue, from: number, to: number): number {
  if (from >= to) return to
  let next = from
  const fillFile = (): void => {
    const room = (segments.at(next)?.endOffset ?? next) - next
    if (room < BLANK_RECORD_BYTES) return
    const blank = Buffer.alloc(BLANK_RECORD_BYTES)
    encodeBlank(blank, 0, room)
    writeAt(segments, next, blank)
  }
  const { offset } = scanLog(segments, from, { checkCrc: true, to }, (buffer, at, start, size) => {
    if (start !== next) fillFile()
    writeAt(segments, start, buffer.subarray(at, at + size))
    next = start + size
  })
  if (offset !== next) fillFile()
  return offset
}

/**
 * Writes `[from, to)` once more as the files show it: who was killed may have been told that a sync failed. Pages of zeros,
 * which only the end of a file has, are left alone: a full disk may have no room for them. Throws the host's error.
 */
export function rewriteAsRead(segments: SegmentQueue, from: number, to: number): void {
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, Math.max(0, to - from)))
  for (let at = from; at < to;) {
    const file = segments.at(at)
    if (file === undefined) return
    const wanted = Math.min(block.length, to - at, file.endOffset - at)
    const bytes = block.subarray(0, wanted)
    const read = file.file.readNow(bytes, at - file.firstOffset)
    if (read === 0) return
    writePages(file, at - file.firstOffset, bytes.subarray(0, read))
    at += read
  }
}

/** Writes what is not a page of zeros, in pieces as long as possible. */
function writePages(file: SegmentFile, position: number, bytes: Buffer): void {
  let begin = 0
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + PAGE_BYTES - ((position + at) % PAGE_BYTES))
    if (bytes.compare(ZEROS, 0, end - at, at, end) === 0) {
      if (begin < at) file.file.writeNow(bytes.subarray(begin, at), position + begin)
      begin = end
    }
    at = end
  }
  if (begin < bytes.length) file.file.writeNow(bytes.subarray(begin), position + begin)
}

function writeAt(segments: SegmentQueue, offset: number, bytes: Buffer): void {
  const file = segments.at(offset) as SegmentFile
  file.file.writeNow(bytes, offset - file.firstOffset)
}

/** The files that have a part of `[from, end)`, and the one that the next record goes to. */
export function filesOf(segments: SegmentQueue, from: number, end: number): SegmentFile[] {
  return segments.files.filter((file) => file.endOffset > from && file.firstOffset <= end)
}
