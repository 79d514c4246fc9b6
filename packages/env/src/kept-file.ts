import type { Env } from './env.ts'
import { hostErrorCode } from './errors.ts'
import { directoryOf } from './replace-file.ts'

/** What a file says, or why it says nothing. */
export type FileContent<T> = { readonly value: T } | { readonly problem: string }

/** A file that says nothing, and why. */
export interface BadFile {
  readonly path: string
  readonly problem: string
}

/**
 * A small file that is replaced as a whole, with the content before the last change beside it as `.bak`: at any moment one
 * of the two is whole, after a power cut too.
 */
export class KeptFile {
  readonly #env: Env
  readonly path: string
  #saved: string | undefined
  /** Whether the file survives a power cut; a backup that does gives way to nothing less. */
  #isOnDisk = false
  #syncing: Promise<void> | undefined
  /** Why what was saved last could not be brought to disk. */
  #failure: Error | undefined

  constructor(env: Env, path: string) {
    this.#env = env
    this.path = path
  }

  /**
   * What the file says, as `read` understands it; undefined when there is none yet. A file that says nothing gives way to
   * its `.bak`; when that says nothing either, why not.
   */
  load<T>(read: (data: Buffer) => FileContent<T>): { readonly value: T } | BadFile | undefined {
    const main = this.#read(this.path, read)
    if (main !== undefined && 'value' in main) {
      this.#bringToDisk()
      return main
    }
    const backup = this.#read(`${this.path}.bak`, read)
    if (backup !== undefined && 'value' in backup) return backup
    return main ?? backup
  }

  /** What a process before may have left in the page cache; a failure only keeps the backup where it is. */
  #bringToDisk(): void {
    const { disk } = this.#env
    try {
      this.#syncNow(this.path)
      disk.syncDirectoryNow(this.#directory)
      this.#isOnDisk = true
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
    }
  }

  #syncNow(path: string): void {
    const file = this.#env.disk.open(path, 'write')
    try {
      file.syncNow()
    } finally {
      file.close()
    }
  }

  get #directory(): string {
    return directoryOf(this.path)
  }

  /**
   * Replaces the content: the new file is whole under another name before the old one becomes `.bak` and it
   * takes its place. It is brought to disk afterwards, and until that is done the backup stays. The first content is on
   * disk with its name. Throws the host's error; then it is to be called again.
   */
  save(text: string): void {
    const { disk } = this.#env
    // The same content once more would push the one before out of the backup.
    if (text === this.#saved) return
    disk.writeFile(`${this.path}.tmp`, Buffer.from(text))
    const backup = `${this.path}.bak`
    const hasBackup = disk.stat(backup) !== undefined
    // With nothing to fall back on, the new file must not come out of a power cut torn.
    const isFirst = !hasBackup && !this.#isOnDisk
    if (isFirst) this.#syncNow(`${this.path}.tmp`)
    const isKept = this.#isOnDisk || !hasBackup
    if (isKept && disk.stat(this.path) !== undefined) disk.rename(this.path, backup)
    this.#isOnDisk = false
    disk.rename(`${this.path}.tmp`, this.path)
    // What goes by the first content must not find none after a power cut.
    if (isFirst) disk.syncDirectoryNow(this.#directory)
    this.#saved = text
    this.#syncing ??= this.#sync().finally(() => (this.#syncing = undefined))
  }

  /** Brings the file to disk, and the one that took its place meanwhile. */
  async #sync(): Promise<void> {
    const { disk } = this.#env
    this.#failure = undefined
    for (let text: string | undefined; text !== this.#saved;) {
      text = this.#saved
      try {
        const file = disk.open(this.path, 'write')
        try {
          await file.sync()
        } finally {
          file.close()
        }
        await disk.syncDirectory(this.#directory)
      } catch (error) {
        // The next change is a new file, which is tried again.
        if (hostErrorCode(error) === undefined) throw error
        this.#failure = error as Error
        return
      }
    }
    this.#isOnDisk = true
  }

  /** Resolves once the content is on disk, or could not be brought there. */
  async settled(): Promise<void> {
    await this.#syncing
  }

  /** Resolves once the content is on disk; rejects with the host's error when it could not be brought there. */
  async durable(): Promise<void> {
    await this.#syncing
    if (this.#failure !== undefined) throw this.#failure
  }

  #read<T>(
    path: string,
    read: (data: Buffer) => FileContent<T>,
  ): { readonly value: T } | BadFile | undefined {
    const data = this.#env.disk.readFile(path)
    if (data === undefined) return undefined
    const content = data.length === 0 ? { problem: 'it is empty' } : read(data)
    return 'value' in content ? content : { path, problem: content.problem }
  }
}
