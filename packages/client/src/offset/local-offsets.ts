import { hostErrorCode, type Env } from '@skylarkmq/env'
import { localOffsetsBody, ProtocolError, queueKey, type MessageQueue } from '@skylarkmq/protocol'
import { offsetsNotRead, offsetsNotSaved } from '../events.ts'
import type { OffsetStore } from './offset-store.ts'
import type { QueueOffsets, StartFrom } from './queue-offsets.ts'

/**
 * The offsets of a consumer that reads everything for itself, in a file of this machine, in the form that Java's client
 * writes: `DIR/CLIENT_ID/GROUP/offsets.json`, with the content before in `offsets.json.bak`. Apache:
 * `LocalFileOffsetStore.java`.
 */
export class LocalOffsets implements OffsetStore {
  readonly #env: Env
  readonly #offsets: QueueOffsets
  readonly #directory: string
  readonly #table = new Map<string, readonly [MessageQueue, number]>()
  #isChanged = false

  /** Reads the file, or the one before it when that cannot be read. `directory` is absolute. */
  constructor(env: Env, offsets: QueueOffsets, directory: string) {
    this.#env = env
    this.#offsets = offsets
    this.#directory = directory
    for (const [queue, offset] of this.#read()) this.#table.set(queueKey(queue), [queue, offset])
  }

  async next(queue: MessageQueue, from: StartFrom): Promise<number> {
    const known = this.#table.get(queueKey(queue))
    return known === undefined ? this.#offsets.at(queue, from) : known[1]
  }

  save(queue: MessageQueue, offset: number): Promise<void> {
    const key = queueKey(queue)
    if (this.#table.get(key)?.[1] !== offset) {
      this.#table.set(key, [queue, offset])
      this.#isChanged = true
    }
    return Promise.resolve()
  }

  flush(): void {
    if (!this.#isChanged) return
    const { disk, events } = this.#env
    const [file, next] = [this.#file, `${this.#file}.tmp`]
    try {
      disk.makeDirectory(this.#directory)
      disk.writeFile(next, localOffsetsBody.encode({ offsetTable: new Map(this.#table.values()) }))
      if (disk.stat(file) !== undefined) disk.rename(file, `${file}.bak`)
      disk.rename(next, file)
      this.#isChanged = false
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      events.emit(offsetsNotSaved, { file, reason: String(error) })
    }
  }

  get #file(): string {
    return `${this.#directory}/offsets.json`
  }

  #read(): ReadonlyMap<MessageQueue, number> {
    for (const file of [this.#file, `${this.#file}.bak`]) {
      try {
        const data = this.#env.disk.readFile(file)
        if (data !== undefined && data.length > 0) return localOffsetsBody.decode(data).offsetTable
      } catch (error) {
        if (hostErrorCode(error) === undefined && !(error instanceof ProtocolError)) throw error
        this.#env.events.emit(offsetsNotRead, { file, reason: String(error) })
      }
    }
    return new Map()
  }
}
