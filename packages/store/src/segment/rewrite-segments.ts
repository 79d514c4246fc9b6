import type { SegmentFile } from './segment-file.ts'
import type { SegmentQueue } from './segment-queue.ts'

const BLOCK_BYTES = 1024 * 1024
const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(PAGE_BYTES)

/**
 * Rewrites `[from, to)` with the bytes that the files show: the process that was killed may have seen a sync fail.
 * Pages of zeros, which only the end of a file has, are skipped: a full disk may have no room for them. Throws the
 * host's error.
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

/** Writes all pages but those of zeros, in pieces as long as possible. */
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

/** Writes bytes at an offset, in the file that has it. Throws the host's error. */
export function writeAt(segments: SegmentQueue, offset: number, bytes: Buffer): void {
  const file = segments.at(offset) as SegmentFile
  file.file.writeNow(bytes, offset - file.firstOffset)
}

/** The files that overlap `[from, end)`, and the one that takes the next record. */
export function filesOf(segments: SegmentQueue, from: number, end: number): SegmentFile[] {
  return segments.files.filter((file) => file.endOffset > from && file.firstOffset <= end)
}
