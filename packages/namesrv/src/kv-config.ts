import { KeptFile, SpacedWrites, type Env } from '@skylarkmq/env'
import { kvConfigTableBody, readTable, unlimited, type TableLimit } from '@skylarkmq/protocol'
import { KvConfigCorrupt } from './errors.ts'

/** KV namespace of ordered topics: topic → `broker:queues;…`. */
export const ORDER_TOPIC_CONFIG = 'ORDER_TOPIC_CONFIG'

/** Approximate memory of an entry besides its texts. */
const ENTRY_BYTES = 128

/** Options of a `KvConfig`. */
export interface KvOptions {
  /** Limits the memory of settings, in bytes. */
  readonly limit?: TableLimit
  /** Shortest time between two writes of the file, ms. */
  readonly saveSpaceMs?: () => number
}

/**
 * Small settings by namespace and key, stored in one JSON file `{"configTable":{ns:{key:value}}}`.
 * Apache: `KVConfigManager.java`.
 */
export class KvConfig {
  readonly #env: Env
  readonly #path: string
  /** Undefined when settings stay in memory. */
  readonly #file: KeptFile | undefined
  readonly #table = new Map<string, Map<string, string>>()
  readonly #limit: TableLimit
  readonly #writes: SpacedWrites
  #bytes = 0

  /** Reads the file at `path`; with an empty path settings stay in memory. Throws ERR_NAMESRV_KV_FILE. */
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

  /** Undefined when the namespace or the key does not exist. */
  get(namespace: string, key: string): string | undefined {
    return this.#table.get(namespace)?.get(key)
  }

  /** All keys of a namespace; undefined when it does not exist. */
  list(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#table.get(namespace)
  }

  /**
   * Sets a key and saves. Returns undefined if it is saved already, otherwise a promise that settles with the save.
   * Throws the host's error, and a ProtocolError when the limit is reached.
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

  /** Saves pending changes. Throws the host's error. */
  saveLast(): void {
    if (this.#writes.waiting !== undefined) this.#writes.now()
  }

  #set(namespace: string, key: string, value: string): void {
    const known = this.#table.get(namespace)
    const keys = known ?? new Map<string, string>()
    // As in Apache, a namespace remains when its last key is deleted.
    if (known === undefined) this.#bytes += bytesOf(namespace, '', '')
    const before = keys.get(key)
    if (before !== undefined) this.#bytes -= bytesOf(namespace, key, before)
    this.#bytes += bytesOf(namespace, key, value)
    this.#table.set(namespace, keys.set(key, value))
  }

  /** Others rely on settings, which are small and rarely change: a change counts as saved once it is synced. */
  #saveSoon(): Promise<void> | undefined {
    const file = this.#file
    return file && (this.#writes.changed() ?? Promise.resolve()).then(() => file.durable())
  }

  /** An unreadable file is an error: starting without settings would overwrite it at the next change. */
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
