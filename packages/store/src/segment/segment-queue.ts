import type { Disk } from '@skylarkmq/env'
import { SegmentFile, offsetOfSegmentName, segmentName } from './segment-file.ts'

const OPEN_FILES_MAX = 32

/**
 * The files of one log, which lie in one directory without gaps. Apache: `MappedFileQueue.java`.
 */
export class SegmentQueue {
  readonly directory: string
  readonly segmentBytes: number
  readonly files: SegmentFile[]
  // Set when a file was deleted whose name may still be on disk.
  #hasOldName = false
  // Set when the first file was deleted and its name may still be on disk.
  #hasOldFirst = false
  readonly #disk: Disk

  constructor(disk: Disk, directory: string, segmentBytes: number, files: SegmentFile[]) {
    this.#disk = disk
    this.directory = directory
    this.segmentBytes = segmentBytes
    this.files = files
  }

  /** Offset of the first byte, 0 when there is no file. */
  get firstOffset(): number {
    return this.files[0]?.firstOffset ?? 0
  }

  /** Offset after the last byte of the last file. */
  get endOffset(): number {
    return this.files[this.files.length - 1]?.endOffset ?? 0
  }

  /** The file that has an offset; undefined when there is none. */
  at(offset: number): SegmentFile | undefined {
    const index = Math.floor((offset - this.firstOffset) / this.segmentBytes)
    return this.files[index]
  }

  /** First offset of the file after the one that has, or had, this offset. */
  nextFileOffset(offset: number): number {
    return offset + this.segmentBytes - (offset % this.segmentBytes)
  }

  /** Creates the file after the last one. Throws the host's error; then nothing has changed. */
  append(): SegmentFile {
    const file = new SegmentFile(this.#disk, this.directory, this.endOffset, this.segmentBytes)
    file.create()
    this.files.push(file)
    this.closeIdle()
    return file
  }

  /**
   * Deletes the first file. The deletion of its predecessor is synced first: if a power cut kept that file and not
   * this one, there would be a gap. Throws the host's error; then nothing has changed.
   */
  removeFirst(): void {
    if (this.#hasOldFirst) this.#disk.syncDirectoryNow(this.directory)
    this.#hasOldFirst = false
    this.files[0]?.remove()
    this.files.shift()
    this.#hasOldFirst = true
  }

  /**
   * Cuts the log at `offset`: later files are deleted, and the rest of its file is zeroed, all synced. Throws the
   * host's error; then it can be called again.
   */
  truncate(offset: number): void {
    for (const firstOffset of this.#foundBehind(offset)) this.#remove(firstOffset)
    // Otherwise a power cut could bring them back behind newer records.
    if (this.#hasOldName) this.#disk.syncDirectoryNow(this.directory)
    this.#hasOldName = false
    const last = this.files.at(-1)
    if (last !== undefined && offset < last.endOffset) last.zeroFrom(offset)
  }

  /** The files of the directory behind an offset, last one first; some may be remains of failed attempts. */
  #foundBehind(offset: number): number[] {
    return listSegments(this.#disk, this.directory)
      .map((found) => found.firstOffset)
      .filter((firstOffset) => firstOffset >= offset && firstOffset !== this.files[0]?.firstOffset)
      .reverse()
  }

  #remove(firstOffset: number): void {
    const at = this.files.findIndex((file) => file.firstOffset === firstOffset)
    if (at < 0) this.#disk.remove(`${this.directory}/${segmentName(firstOffset)}`)
    else {
      this.files[at]?.remove()
      // None of the later files exists any more.
      this.files.length = at
    }
    this.#hasOldName = true
  }

  /** Closes all files but the newest ones that may stay open. */
  closeIdle(): void {
    let open = 0
    for (let i = this.files.length - 1; i >= 0; i--) {
      const file = this.files[i] as SegmentFile
      if (file.isOpen && ++open > OPEN_FILES_MAX) file.close()
    }
  }

  close(): void {
    for (const file of this.files) file.close()
  }
}

/** A file of a log in a directory listing. */
export interface FoundSegment {
  readonly firstOffset: number
  readonly sizeBytes: number
}

/** The files of a directory whose names are offsets, in order. */
export function listSegments(disk: Disk, directory: string): FoundSegment[] {
  const found: FoundSegment[] = []
  for (const entry of disk.list(directory)) {
    const firstOffset = offsetOfSegmentName(entry.name)
    if (firstOffset === undefined || entry.isDirectory) continue
    const sizeBytes = disk.stat(`${directory}/${entry.name}`)?.sizeBytes ?? 0
    found.push({ firstOffset, sizeBytes })
  }
  return found.sort((a, b) => a.firstOffset - b.firstOffset)
}

/** Deletes an empty last file, which a stop while creating it leaves. */
export function removeEmptyLast(disk: Disk, directory: string): void {
  const last = listSegments(disk, directory).at(-1)
  if (last?.sizeBytes === 0) disk.remove(`${directory}/${segmentName(last.firstOffset)}`)
}
