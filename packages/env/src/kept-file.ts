import type { Env } from './env.ts'
import { hostErrorCode } from './errors.ts'
import { directoryOf } from './replace-file.ts'

/** The content of a file, or why it is unusable. */
export type FileContent<T> = { readonly value: T } | { readonly problem: string }

/** Why a file is unusable. */
export interface BadFile {
  readonly path: string
  readonly problem: string
}

/**
 * A small file that is replaced as a whole, with the previous content beside it as `.bak`. Invariant: at any moment
 * one of the two is complete, after a power cut too.
 */
export class KeptFile {
  readonly #env: Env
  readonly path: string
  #saved: string | undefined
  /** Whether the file survives a power cut; a durable backup is replaced only by a durable file. */
  #isOnDisk = false
  #syncing: Promise<void> | undefined
  /** Why the last save could not be synced. */
  #failure: Error | undefined

  constructor(env: Env, path: string) {
    this.#env = env
    this.path = path
  }

  /**
   * The content as parsed by `read`; undefined when there is no file yet. If the file is unusable, its `.bak` counts;
   * if that is unusable too, returns why.
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

  /** A previous process may have left data in the page cache only; if the sync fails, the backup is kept. */
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
   * Replaces the content: the new file is written completely under another name, then the old one becomes `.bak` and
   * the new one takes its place. It is synced afterwards; until then the backup stays. The first content is synced
   * with its name at once. Throws the host's error; then it must be called again.
   */
  save(text: string): void {
    const { disk } = this.#env
    // Saving the same content again would push the previous one out of the backup.
    if (text === this.#saved) return
    disk.writeFile(`${this.path}.tmp`, Buffer.from(text))
    const backup = `${this.path}.bak`
    const hasBackup = disk.stat(backup) !== undefined
    // Without a backup, a power cut must not leave a torn file.
    const isFirst = !hasBackup && !this.#isOnDisk
    if (isFirst) this.#syncNow(`${this.path}.tmp`)
    const isKept = this.#isOnDisk || !hasBackup
    if (isKept && disk.stat(this.path) !== undefined) disk.rename(this.path, backup)
    this.#isOnDisk = false
    disk.rename(`${this.path}.tmp`, this.path)
    // Whoever relies on the first content must find it after a power cut.
    if (isFirst) disk.syncDirectoryNow(this.#directory)
    this.#saved = text
    this.#syncing ??= this.#sync().finally(() => (this.#syncing = undefined))
  }

  /** Syncs the file, and the one that has replaced it meanwhile. */
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
        // The next change writes a new file and retries.
        if (hostErrorCode(error) === undefined) throw error
        this.#failure = error as Error
        return
      }
    }
    this.#isOnDisk = true
  }

  /** Resolves once the content is synced, or failed to be. */
  async settled(): Promise<void> {
    await this.#syncing
  }

  /** Resolves once the content is synced; rejects with the host's error when it could not be. */
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
