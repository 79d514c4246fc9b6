import type { Disk, DiskFile, OpenMode } from '@skylarkmq/env'

/** An LRU cache of open files, for the files of consume queues, which may outnumber the handles of a process. */
export class OpenFiles {
  readonly #disk: Disk
  readonly #limit: number
  readonly #mode: OpenMode
  // A Map keeps the order of insertion, so its first key is the least recently used.
  readonly #files = new Map<string, DiskFile>()

  /** `mode` is how `get` opens them. */
  constructor(disk: Disk, limit: number, mode: OpenMode = 'write') {
    this.#disk = disk
    this.#limit = limit
    this.#mode = mode
  }

  /** An open existing file. Valid until the next call. Throws the host's error. */
  get(path: string): DiskFile {
    const found = this.#files.get(path)
    if (found !== undefined) {
      this.#files.delete(path)
      this.#files.set(path, found)
      return found
    }
    return this.#keep(path, this.#disk.open(path, this.#mode))
  }

  /** An open file, created or extended to this size if necessary. Throws the host's error. */
  create(path: string, sizeBytes: number): DiskFile {
    this.forget(path)
    const file = this.#disk.open(path, 'create')
    if (file.size() < sizeBytes) file.resize(sizeBytes)
    return this.#keep(path, file)
  }

  /** Closes a file if it is open. */
  forget(path: string): void {
    this.#files.get(path)?.close()
    this.#files.delete(path)
  }

  closeAll(): void {
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
  }

  #keep(path: string, file: DiskFile): DiskFile {
    this.#files.set(path, file)
    if (this.#files.size > this.#limit) {
      const oldest = this.#files.keys().next()
      if (oldest.done !== true) this.forget(oldest.value)
    }
    return file
  }
}
