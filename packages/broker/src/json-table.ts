import type { Env } from '@skylarkmq/env'
import { hostErrorCode, SpacedWrites } from '@skylarkmq/env'
import { parseFastjson, ProtocolError, type JsonBody } from '@skylarkmq/protocol'
import { ConfigFileCorrupt } from './errors.ts'

/** How much is shown of a file that is no table. */
const SHOWN_BYTES = 20

/** A file that says nothing, and why. */
interface BadFile {
  readonly path: string
  readonly reason: string
}

/**
 * One file of `config/`, such as topics.json: pretty-printed JSON, with the content before the last
 * change beside it as `.bak`. Numeric keys are quoted when written (Apache reads both forms) and may be
 * unquoted when read. Apache: `ConfigManager.java`.
 */
export class JsonFile {
  readonly #env: Env
  readonly path: string
  #saved: string | undefined
  /** Whether the file survives a power cut; a backup that does gives way to nothing less. */
  #isOnDisk = false
  #syncing: Promise<void> | undefined

  constructor(env: Env, path: string) {
    this.#env = env
    this.path = path
  }

  /**
   * The content; undefined when there is none yet. A file that is empty, torn or no such table gives way to its `.bak`.
   * Throws ERR_BROKER_CONFIG_FILE when one of the two is there and neither says anything.
   */
  load<T>(body: JsonBody<T>): T | undefined {
    const main = this.#read(this.path, body)
    if (main !== undefined && 'value' in main) {
      this.#bringToDisk()
      return main.value
    }
    const backup = this.#read(`${this.path}.bak`, body)
    if (backup !== undefined && 'value' in backup) return backup.value
    const bad = main ?? backup
    // To begin with an empty table would forget what the file was there for.
    if (bad !== undefined) throw new ConfigFileCorrupt(bad)
    return undefined
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
    return this.path.slice(0, Math.max(1, this.path.lastIndexOf('/')))
  }

  /**
   * Replaces the content: the new file is whole under another name before the old one becomes `.bak` and it
   * takes its place. At any moment one of the two can be loaded, after a power cut too: the file is brought to
   * disk afterwards, and until that is done the backup stays. The first content is on disk with its name. Throws the
   * host's error; then it is to be called again.
   */
  save(content: unknown): void {
    const { disk } = this.#env
    const text = JSON.stringify(content, null, '\t')
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
        return
      }
    }
    this.#isOnDisk = true
  }

  /** Resolves once the content is on disk, or could not be brought there. */
  async settled(): Promise<void> {
    await this.#syncing
  }

  #read<T>(path: string, body: JsonBody<T>): { value: T } | BadFile | undefined {
    const data = this.#env.disk.readFile(path)
    if (data === undefined) return undefined
    if (data.length === 0) return { path, reason: 'it is empty' }
    try {
      const value = parseFastjson(data.toString('utf8'))
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return { value: body.read(value) }
      }
      return { path, reason: `it holds ${data.toString('utf8', 0, SHOWN_BYTES)} and no table` }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return { path, reason: error.message }
    }
  }
}

/** Least time between two writes of one file, ms. */
const SPACE_MS = 100

/** A table that lives in a JSON file and is written some time after it changes, or as soon as it may be. */
export class SavedTable {
  readonly #file: JsonFile
  readonly #content: () => unknown
  readonly #writes: SpacedWrites
  #isChanged = false

  /** `spaceMs` is the least time between two writes. */
  constructor(env: Env, file: JsonFile, content: () => unknown, spaceMs = () => SPACE_MS) {
    this.#file = file
    this.#content = content
    this.#writes = new SpacedWrites(env.clock, spaceMs, () => {
      this.#write()
    })
  }

  /** Notes that the table is not what the file says. */
  changed(): void {
    this.#isChanged = true
  }

  /**
   * Notes a change, and has it written at once or with others shortly. Undefined when it was written at once;
   * otherwise it settles with the write. A failure is the host's error, thrown or as a rejection; the change stays
   * noted.
   */
  commit(): Promise<void> | undefined {
    this.#isChanged = true
    return this.#writes.changed()
  }

  /** Settles once the changes that wait to be written are, or could not be; undefined when none waits. */
  get waiting(): Promise<void> | undefined {
    return this.#writes.waiting
  }

  /** Resolves once what was saved is on disk, or could not be brought there. */
  settled(): Promise<void> {
    return this.#file.settled()
  }

  /** Writes the table if it changed and is not about to be written. Throws the host's error; the change stays noted. */
  save(): void {
    if (this.#isChanged && this.waiting === undefined) this.#writes.now()
  }

  /** Writes the table if it changed, for the last time: what waits to be written does not wait. Throws as `save`. */
  saveLast(): void {
    if (this.waiting !== undefined) this.#writes.now()
    this.save()
  }

  #write(): void {
    if (!this.#isChanged) return
    this.#file.save(this.#content())
    this.#isChanged = false
  }
}

/** The reply of a request that changed a table, given once the change is saved. */
export function whenSaved<R>(saved: Promise<void> | undefined, reply: () => R): R | Promise<R> {
  return saved === undefined ? reply() : saved.then(reply)
}
