import type { Disk, DiskFile } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

/** The name of a file whose first byte has this offset: 20 digits. */
export function segmentName(firstOffset: number): string {
  return String(firstOffset).padStart(20, '0')
}

/** The first offset of a file by its name; undefined for any other name. */
export function offsetOfSegmentName(name: string): number | undefined {
  return /^\d{20}$/.test(name) ? Number(name) : undefined
}

/**
 * One file of fixed size of a log, named by the offset of its first byte. Opened on first use.
 * Apache: `DefaultMappedFile.java`.
 */
export class SegmentFile {
  readonly path: string
  readonly firstOffset: number
  readonly sizeBytes: number
  readonly #disk: Disk
  readonly #directory: string
  #file: DiskFile | undefined
  // Number of asynchronous reads and syncs in progress, during which the file must stay open.
  #users = 0
  #isRemoved = false

  constructor(disk: Disk, directory: string, firstOffset: number, sizeBytes: number) {
    this.#disk = disk
    this.#directory = directory
    this.path = `${directory}/${segmentName(firstOffset)}`
    this.firstOffset = firstOffset
    this.sizeBytes = sizeBytes
  }

  /** Offset after the last byte. */
  get endOffset(): number {
    return this.firstOffset + this.sizeBytes
  }

  get isOpen(): boolean {
    return this.#file !== undefined
  }

  /** The open file. Throws the host's error when it cannot be opened. */
  get file(): DiskFile {
    return (this.#file ??= this.#disk.open(this.path, 'write'))
  }

  /** False once it was deleted. */
  get isThere(): boolean {
    return !this.#isRemoved
  }

  /**
   * Creates the file, all zeros, with its size and name synced: a start relies on the size, and a power cut must not
   * keep a later file and lose this one. Remains of an earlier attempt are discarded. Throws the host's error; then
   * the file is deleted, if the host allows it.
   */
  create(): void {
    const file = this.#disk.open(this.path, 'create')
    try {
      // After a failed sync the host may only seem to have the size on disk: changing it makes the host retry.
      if (file.size() > 0) file.resize(0)
      file.resize(this.sizeBytes)
      file.syncNow()
      this.#disk.syncDirectoryNow(this.#directory)
    } catch (error) {
      file.close()
      this.#removeAttempt()
      throw error
    }
    this.#file = file
  }

  #removeAttempt(): void {
    try {
      this.#disk.remove(this.path)
    } catch (error) {
      // It is behind the end of the log, so the next cut or the next attempt removes it.
      if (hostErrorCode(error) === undefined) throw error
    }
  }

  /**
   * Zeroes the file from an offset of the log on, and syncs: after a power cut the old bytes must not follow newer
   * records. Throws the host's error.
   */
  zeroFrom(offset: number): void {
    // Sync the preceding bytes first, so that a truncated file ends where its records end.
    this.file.syncNow()
    this.file.resize(offset - this.firstOffset)
    this.file.resize(this.sizeBytes)
    this.file.syncNow()
  }

  /** Extends a truncated file to its full size. Throws the host's error. */
  lengthen(): void {
    this.file.resize(this.sizeBytes)
  }

  /** Runs an asynchronous operation on the open file, which stays open until it ends. */
  async use<T>(f: (file: DiskFile) => Promise<T>): Promise<T> {
    this.#users++
    try {
      return await f(this.file)
    } finally {
      this.#users--
      if (this.#isRemoved) this.close()
    }
  }

  /** Closes the file unless it is in use; it is reopened on demand. */
  close(): void {
    if (this.#users > 0) return
    this.#file?.close()
    this.#file = undefined
  }

  /** Closes and deletes the file. Throws the host's error. */
  remove(): void {
    this.close()
    this.#disk.remove(this.path)
    this.#isRemoved = true
  }
}
