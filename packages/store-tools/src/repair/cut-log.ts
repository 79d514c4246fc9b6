import type { Disk } from '@skylarkmq/env'
import { listSegments, segmentName } from '@skylarkmq/store/internals'

const COPY_BYTES = 1024 * 1024

/**
 * Cuts a log at an offset, and keeps the part that it cuts in the folder `keepIn`: later files as they are, and the
 * bytes `[offset, usedEnd)` of the file that is cut in a file named by the offset. The remaining log has no gap at
 * any moment. Rejects with the host's error.
 */
export async function cutLog(
  disk: Disk,
  directory: string,
  offset: number,
  keepIn: string,
): Promise<void> {
  disk.makeDirectory(keepIn)
  const files = listSegments(disk, directory)
  const isLater = (file: { firstOffset: number }): boolean =>
    file.firstOffset >= offset && file !== files[0]
  for (const file of files.filter(isLater).reverse()) {
    const name = segmentName(file.firstOffset)
    disk.rename(`${directory}/${name}`, `${keepIn}/${name}`)
  }
  const cut = files.find((file) => !isLater(file) && offset < file.firstOffset + file.sizeBytes)
  if (cut !== undefined) {
    const path = `${directory}/${segmentName(cut.firstOffset)}`
    await keepTail(disk, path, offset - cut.firstOffset, `${keepIn}/${segmentName(offset)}.cut`)
    const file = disk.open(path, 'write')
    try {
      file.resize(offset - cut.firstOffset)
      file.resize(cut.sizeBytes)
      await file.sync()
    } finally {
      file.close()
    }
  }
  await disk.syncDirectory(keepIn)
  await disk.syncDirectory(directory)
}

/** Copies a file from a position up to its last non-zero byte. */
async function keepTail(disk: Disk, from: string, position: number, to: string): Promise<void> {
  const source = disk.open(from, 'read')
  const target = disk.open(to, 'create')
  try {
    const chunk = Buffer.alloc(COPY_BYTES)
    for (let at = position, read = 0; ; at += read) {
      read = source.readNow(chunk, at)
      if (read === 0) break
      const used = lengthWithoutZeros(chunk, read)
      if (used > 0) target.writeNow(chunk.subarray(0, used), at - position)
    }
    await target.sync()
  } finally {
    source.close()
    target.close()
  }
}

function lengthWithoutZeros(chunk: Buffer, length: number): number {
  let end = length
  while (end > 0 && chunk[end - 1] === 0) end--
  return end
}
