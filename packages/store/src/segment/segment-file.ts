import type { Disk, DiskFile } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

/** The name of a file whose first byte has this offset: 20 digits. */
export function segmentName(firstOffset: number): string {
  return String(firstOffset).padStart(20, '0')
}

/** The first offset of a file by its name; undefined when it is no such name. */
export function offsetOfSegmentName(name: string): number | undefined {
  return /^\d{20}$/.test(name) ? Number(name) : undefined
}

/**
 * One file of fixed size of a log; its name is the offset of its first byte. It is opened when first used.
 * Apache: `DefaultMappedFile.java`.
 */
export class SegmentFile {
  readonly path: string
  readonly firstOffset: number
  readonly sizeBytes: number
  readonly #disk: Disk
  readonly #directory: string
  #file: DiskFile | undefined
  // Reads and syncs in other threads that are under way: the file must stay open for them.
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
   * Makes the file, all zeros, with its size and its name on disk: a start tells by the size what the file is, and no
   * power cut keeps a later file and loses this one. What an earlier attempt left is no part of it. Throws the host's
   * error; then there is no file, if the host lets it be deleted.
   */
  create(): void {
    const file = this.#disk.open(this.path, 'create')
    try {
      // After a failed sync the host may only seem to have the size on disk: a change makes it try again.
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
      // It is behind the end of the log, so the next cut or the next attempt sees to it.
      if (hostErrorCode(error) === undefined) throw error
    }
  }

  /**
   * Fills the file with zeros from an offset of the log on, and brings it to disk: after a power cut what was
   * there must not stand behind newer records. Throws the host's error.
   */
  zeroFrom(offset: number): void {
    // What comes before is on disk first, so that a file that is cut short ends where its records do.
    this.file.syncNow()
    this.file.resize(offset - this.firstOffset)
    this.file.resize(this.sizeBytes)
    this.file.syncNow()
  }

  /** Gives a file that was cut short its size back. Throws the host's error. */
  lengthen(): void {
    this.file.resize(this.sizeBytes)
  }

  /** Runs something that takes its time on the open file, which stays open until it is done. */
  async use<T>(f: (file: DiskFile) => Promise<T>): Promise<T> {
    this.#users++
    try {
      return await f(this.file)
    } finally {
      this.#users--
      if (this.#isRemoved) this.close()
    }
  }

  /** Closes the file, unless it is being used; it is opened again when needed. */
  close(): void {
    if (this.#users > 0) return
    this.#file?.close()
    this.#file = undefined
  }

  /** Closes and deletes. Throws the host's error. */
  remove(): void {
    this.close()
    this.#disk.remove(this.path)
    this.#isRemoved = true
  }
}
