import type { Env } from '@skylarkmq/env'
import { ProtocolError, parseFastjson } from '@skylarkmq/protocol'
import { kvConfigUnreadable } from './events.ts'

/** KV namespace of ordered topics: topic → `broker:queues;…`. */
export const ORDER_TOPIC_CONFIG = 'ORDER_TOPIC_CONFIG'

/**
 * Small settings by namespace and key, kept in one JSON file `{"configTable":{ns:{key:value}}}`.
 * Apache: `KVConfigManager.java`.
 */
export class KvConfig {
  readonly #env: Env
  readonly #path: string
  readonly #table = new Map<string, Map<string, string>>()

  /** Reads the file at `path`; with an empty path everything stays in memory. */
  constructor(env: Env, path: string) {
    this.#env = env
    this.#path = path
    this.#load()
  }

  /** Undefined when the namespace or the key is not there. */
  get(namespace: string, key: string): string | undefined {
    return this.#table.get(namespace)?.get(key)
  }

  /** All keys of a namespace; undefined when it is not there. */
  list(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#table.get(namespace)
  }

  /** Sets a key and saves. */
  put(namespace: string, key: string, value: string): void {
    const keys = this.#table.get(namespace) ?? new Map<string, string>()
    keys.set(key, value)
    this.#table.set(namespace, keys)
    this.#save()
  }

  /** Removes a key and saves. */
  delete(namespace: string, key: string): void {
    this.#table.get(namespace)?.delete(key)
    this.#save()
  }

  #load(): void {
    const data = this.#path === '' ? undefined : this.#env.disk.readFile(this.#path)
    if (data === undefined || data.length === 0) return
    try {
      const { configTable } = parseFastjson(data.toString('utf8')) as {
        configTable?: Record<string, Record<string, string>>
      }
      for (const [namespace, keys] of Object.entries(configTable ?? {})) {
        this.#table.set(namespace, new Map(Object.entries(keys)))
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#env.events.emit(kvConfigUnreadable, { path: this.#path, reason: error.message })
    }
  }

  #save(): void {
    if (this.#path === '') return
    const configTable = Object.fromEntries(
      [...this.#table].map(([namespace, keys]) => [namespace, Object.fromEntries(keys)]),
    )
    // A new file takes the old one's place whole, so a crash leaves either.
    this.#env.disk.makeDirectory(this.#path.replace(/[/\\][^/\\]*$/, ''))
    const draft = `${this.#path}.tmp`
    this.#env.disk.writeFile(draft, Buffer.from(JSON.stringify({ configTable }, null, '\t')))
    this.#env.disk.rename(draft, this.#path)
  }
}
