import { KeptFile, SpacedWrites, type Env } from '@skylarkmq/env'
import { kvConfigTableBody, readTable, unlimited, type TableLimit } from '@skylarkmq/protocol'
import { KvConfigCorrupt } from './errors.ts'

/** KV namespace of ordered topics: topic → `broker:queues;…`. */
export const ORDER_TOPIC_CONFIG = 'ORDER_TOPIC_CONFIG'

/** Memory that a setting takes beside its texts, roughly. */
const ENTRY_BYTES = 128

/** What a `KvConfig` is told of its name server. */
export interface KvOptions {
  /** Bounds the memory for settings, in bytes. */
  readonly limit?: TableLimit
  /** Least time between two writes of the file, ms. */
  readonly saveSpaceMs?: () => number
}

/**
 * Small settings by namespace and key, kept in one JSON file `{"configTable":{ns:{key:value}}}`.
 * Apache: `KVConfigManager.java`.
 */
export class KvConfig {
  readonly #env: Env
  readonly #path: string
  /** Undefined where everything stays in memory. */
  readonly #file: KeptFile | undefined
  readonly #table = new Map<string, Map<string, string>>()
  readonly #limit: TableLimit
  readonly #writes: SpacedWrites
  #bytes = 0

  /** Reads the file at `path`; with an empty path everything stays in memory. Throws ERR_NAMESRV_KV_FILE. */
  constructor(env: Env, path: string, options: KvOptions = {}) {
    this.#env = env
    this.#path = path
    this.#file = path === '' ? undefined : new KeptFile(env, path)
    this.#limit = options.limit ?? unlimited('settings')
    this.#writes = new SpacedWrites(env.clock, options.saveSpaceMs ?? (() => 0), () => {
      this.#save()
    })
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

  /**
   * Sets a key and saves: undefined when it is saved, otherwise it settles once it is, or could not be. Throws the
   * host's error, and a ProtocolError when there is no room for it.
   */
  put(namespace: string, key: string, value: string): Promise<void> | undefined {
    const before = this.get(namespace, key)
    const bytes = bytesOf(namespace, key, value)
    const freed = before === undefined ? 0 : bytesOf(namespace, key, before)
    const more = this.#table.has(namespace) ? 0 : bytesOf(namespace, '', '')
    if (bytes + more > freed) this.#limit.check(this.#bytes + bytes + more - freed)
    this.#set(namespace, key, value)
    return this.#saveSoon()
  }

  /** Removes a key and saves, as `put` does. */
  delete(namespace: string, key: string): Promise<void> | undefined {
    const keys = this.#table.get(namespace)
    const value = keys?.get(key)
    if (keys !== undefined && value !== undefined) {
      keys.delete(key)
      this.#bytes -= bytesOf(namespace, key, value)
    }
    return this.#saveSoon()
  }

  /** Saves what waits to be saved. Throws the host's error. */
  saveLast(): void {
    if (this.#writes.waiting !== undefined) this.#writes.now()
  }

  #set(namespace: string, key: string, value: string): void {
    const known = this.#table.get(namespace)
    const keys = known ?? new Map<string, string>()
    // As in Apache, a namespace stays when its last key is gone.
    if (known === undefined) this.#bytes += bytesOf(namespace, '', '')
    const before = keys.get(key)
    if (before !== undefined) this.#bytes -= bytesOf(namespace, key, before)
    this.#bytes += bytesOf(namespace, key, value)
    this.#table.set(namespace, keys.set(key, value))
  }

  /** A setting is small and seldom changed, and others go by it: it counts as saved once it is on disk. */
  #saveSoon(): Promise<void> | undefined {
    const file = this.#file
    return file && (this.#writes.changed() ?? Promise.resolve()).then(() => file.durable())
  }

  /** A file that says nothing is no reason to begin without settings: the next change would write over it. */
  #load(): void {
    const found = this.#file?.load((data) => readTable(data, kvConfigTableBody))
    if (found === undefined) return
    if ('problem' in found) throw new KvConfigCorrupt({ path: found.path, reason: found.problem })
    for (const [namespace, keys] of found.value.configTable) {
      this.#table.set(namespace, new Map<string, string>())
      this.#bytes += bytesOf(namespace, '', '')
      for (const [key, value] of keys) this.#set(namespace, key, value)
    }
  }

  #save(): void {
    const configTable = Object.fromEntries(
      [...this.#table].map(([namespace, keys]) => [namespace, Object.fromEntries(keys)]),
    )
    this.#env.disk.makeDirectory(this.#path.replace(/[/\\][^/\\]*$/, ''))
    this.#file?.save(JSON.stringify({ configTable }, null, '\t'))
  }
}

function bytesOf(namespace: string, key: string, value: string): number {
  return ENTRY_BYTES + namespace.length + key.length + value.length
}
