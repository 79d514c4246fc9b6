import { KeptFile, SpacedWrites, type Env } from '@skylarkmq/env'
import { readTable, type JsonBody } from '@skylarkmq/protocol'
import { ConfigFileCorrupt } from './errors.ts'

/**
 * One file of `config/`, such as topics.json: pretty-printed JSON, with the content before the last
 * change beside it as `.bak`. Numeric keys are quoted when written (Apache reads both forms) and may be
 * unquoted when read. Apache: `ConfigManager.java`.
 */
export class JsonFile {
  readonly #file: KeptFile

  constructor(env: Env, path: string) {
    this.#file = new KeptFile(env, path)
  }

  /**
   * The content; undefined when there is none yet. A file that is empty, torn or no such table gives way to its `.bak`.
   * Throws ERR_BROKER_CONFIG_FILE when one of the two is there and neither says anything.
   */
  load<T>(body: JsonBody<T>): T | undefined {
    const found = this.#file.load((data) => readTable(data, body))
    if (found === undefined || 'value' in found) return found?.value
    // To begin with an empty table would forget what the file was there for.
    throw new ConfigFileCorrupt({ path: found.path, reason: found.problem })
  }

  /** Replaces the content, see `KeptFile`. Throws the host's error; then it is to be called again. */
  save(content: unknown): void {
    this.#file.save(JSON.stringify(content, null, '\t'))
  }

  /** Resolves once the content is on disk, or could not be brought there. */
  settled(): Promise<void> {
    return this.#file.settled()
  }

  /** Resolves once the content is on disk; rejects with the host's error when it could not be brought there. */
  durable(): Promise<void> {
    return this.#file.durable()
  }
}

/** Least time between two writes of one file, ms. */
const SPACE_MS = 100

/** A table that lives in a JSON file and is written some time after it changes, or as soon as it may be. */
export class SavedTable {
  readonly #file: JsonFile
  readonly #content: () => unknown
  readonly #writes: SpacedWrites
  readonly #isSynced: () => boolean
  #isChanged = false
  #durable: Promise<void> | undefined

  /**
   * `spaceMs` is the least time between two writes. Where `isSynced`, a change counts as saved once it is on disk, and
   * not when it is written.
   */
  constructor(
    env: Env,
    file: JsonFile,
    content: () => unknown,
    spaceMs = () => SPACE_MS,
    isSynced = () => false,
  ) {
    this.#file = file
    this.#content = content
    this.#isSynced = isSynced
    this.#writes = new SpacedWrites(env.clock, spaceMs, () => {
      this.#write()
    })
  }

  /** Notes that the table is not what the file says. */
  changed(): void {
    this.#isChanged = true
  }

  /**
   * Notes a change, and has it written at once or with others shortly. Undefined when it was saved at once;
   * otherwise it settles once it is. A failure is the host's error, thrown or as a rejection; the change stays
   * noted.
   */
  commit(): Promise<void> | undefined {
    this.#isChanged = true
    const written = this.#writes.changed()
    if (!this.#isSynced()) return written
    const durable = (written ?? Promise.resolve()).then(() => this.#file.durable())
    this.#durable = durable
    const ended = (): void => {
      if (this.#durable === durable) this.#durable = undefined
    }
    // Nobody has to look at it.
    durable.then(ended, ended)
    return durable
  }

  /** Settles once the changes that wait to be saved are, or could not be; undefined when none waits. */
  get waiting(): Promise<void> | undefined {
    return this.#durable ?? this.#writes.waiting
  }

  /** Resolves once what was saved is on disk, or could not be brought there. */
  settled(): Promise<void> {
    return this.#file.settled()
  }

  /** Writes the table if it changed and is not about to be written. Throws the host's error; the change stays noted. */
  save(): void {
    if (this.#isChanged && this.#writes.waiting === undefined) this.#writes.now()
  }

  /** Writes the table if it changed, for the last time: what waits to be written does not wait. Throws as `save`. */
  saveLast(): void {
    if (this.#writes.waiting !== undefined) this.#writes.now()
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
