import { BLANK_RECORD_BYTES, encodeBlank } from '@skylarkmq/protocol'
import { filesOf, writeAt } from '../segment/rewrite-segments.ts'
import type { SegmentQueue } from '../segment/segment-queue.ts'
import type { CommitLog } from '../commitlog/commit-log.ts'
import { scanLog } from '../commitlog/scan-log.ts'

/**
 * Rewrites the log in place from `from` on, where a record begins. After a failed sync the host counts those pages as
 * written, and only a new write makes it retry. Bytes still in memory are taken from there; the rest is read back and
 * counts up to the first damaged record, because the host may have dropped pages. Returns the offset up to which the
 * log is restored. Throws the host's error.
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

/** Reads intact records of `[from, to)` and writes each back in place; returns where they end. */
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
