import type { Env } from '@skylarkmq/env'
import { parseFastjson, ProtocolError } from '@skylarkmq/protocol'
import { ConfigFileCorrupt } from './errors.ts'

/**
 * One file of `config/`, such as topics.json: pretty-printed JSON, with the content before the last
 * change beside it as `.bak`. Numeric keys are quoted when written (Apache reads both forms) and may be
 * unquoted when read. Apache: `ConfigManager.java`.
 */
export class JsonFile {
  readonly #env: Env
  readonly path: string
  #saved: string | undefined

  constructor(env: Env, path: string) {
    this.#env = env
    this.path = path
  }

  /**
   * The content; undefined when there is none yet. An empty or torn file gives way to its `.bak`, as in
   * Apache. Throws ERR_BROKER_CONFIG_FILE when there is content and neither file can be read.
   */
  load(): unknown {
    const main = this.#read(this.path)
    if ('value' in main) return main.value
    const backup = this.#read(`${this.path}.bak`)
    if ('value' in backup) return backup.value
    const problem = main.problem ?? backup.problem
    if (problem !== undefined) throw new ConfigFileCorrupt({ path: this.path, reason: problem })
    return undefined
  }

  /**
   * Replaces the content: the new file is whole under another name before the old one becomes `.bak` and it
   * takes its place. At any moment one of the two can be loaded.
   */
  save(content: unknown): void {
    const { disk } = this.#env
    const text = JSON.stringify(content, null, '\t')
    // The same content once more would push the one before out of the backup.
    if (text === this.#saved) return
    disk.writeFile(`${this.path}.tmp`, Buffer.from(text))
    if (disk.stat(this.path) !== undefined) disk.rename(this.path, `${this.path}.bak`)
    disk.rename(`${this.path}.tmp`, this.path)
    this.#saved = text
  }

  #read(path: string): { value: unknown } | { problem: string | undefined } {
    const data = this.#env.disk.readFile(path)
    if (data === undefined || data.length === 0) return { problem: undefined }
    try {
      return { value: parseFastjson(data.toString('utf8')) }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return { problem: error.message }
    }
  }
}

/** A table that lives in a JSON file and is written some time after it changes, or at once. */
export class SavedTable {
  readonly #file: JsonFile
  readonly #content: () => unknown
  #isChanged = false

  constructor(file: JsonFile, content: () => unknown) {
    this.#file = file
    this.#content = content
  }

  /** Notes that the table is not what the file says. */
  changed(): void {
    this.#isChanged = true
  }

  /** Writes the table if it changed. Throws the host's error when the disk refuses; the change stays noted. */
  save(): void {
    if (!this.#isChanged) return
    this.#file.save(this.#content())
    this.#isChanged = false
  }
}
