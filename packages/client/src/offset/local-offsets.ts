import { hostErrorCode, type DirectoryLock, type Env } from '@skylarkmq/env'
import { localOffsetsBody, ProtocolError, queueKey, type MessageQueue } from '@skylarkmq/protocol'
import { offsetsNotKept, offsetsNotRead, offsetsNotSaved } from '../events.ts'
import type { OffsetStore } from './offset-store.ts'
import type { QueueOffsets, StartFrom } from './queue-offsets.ts'

/** Where the offsets of a member of a group are: `root/clientId/group`. */
export interface LocalPlace {
  /** Absolute. */
  readonly root: string
  readonly clientId: string
  readonly group: string
}

/**
 * The offsets of a consumer that reads everything for itself, in a file of this machine, in the form that Java's client
 * writes: `DIR/CLIENT_ID/GROUP/offsets.json`, with the content before in `offsets.json.bak`. Apache:
 * `LocalFileOffsetStore.java`.
 *
 * The folder is taken for as long as this consumer lives. Where another living one has it, of this process or of another,
 * it is `CLIENT_ID#2`, then `CLIENT_ID#3`, and so on. In Java's client, whose broadcasting consumers are all `ip@DEFAULT`, all of
 * a machine write one file, each over what the others wrote.
 */
export class LocalOffsets implements OffsetStore {
  readonly #env: Env
  readonly #offsets: QueueOffsets
  readonly #place: LocalPlace
  readonly #table = new Map<string, readonly [MessageQueue, number]>()
  #opening: Promise<void> | undefined
  #directory = ''
  #lock: DirectoryLock | undefined
  #isChanged = false
  #isClosed = false

  /** Takes and reads nothing yet. */
  constructor(env: Env, offsets: QueueOffsets, place: LocalPlace) {
    this.#env = env
    this.#offsets = offsets
    this.#place = place
  }

  async next(queue: MessageQueue, from: StartFrom): Promise<number> {
    await (this.#opening ??= this.#open())
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
    if (!this.#isChanged || this.#lock === undefined) return
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

  close(): void {
    this.#isClosed = true
    this.#lock?.release()
    this.#lock = undefined
  }

  get #file(): string {
    return `${this.#directory}/offsets.json`
  }

  /** Takes the first folder that no living consumer has, and reads what is there. */
  async #open(): Promise<void> {
    const { root, clientId, group } = this.#place
    for (let member = 1; !this.#isClosed; member++) {
      this.#directory = `${root}/${clientId}${member === 1 ? '' : `#${member}`}/${group}`
      if ((await this.#take(this.#directory)) === 'held') continue
      for (const [queue, offset] of this.#read()) this.#table.set(queueKey(queue), [queue, offset])
      return
    }
  }

  /** Takes a folder; `unkept` where that is not possible, which is said. */
  async #take(directory: string): Promise<'taken' | 'held' | 'unkept'> {
    const { disk, events } = this.#env
    try {
      disk.makeDirectory(directory)
      const lock = await disk.lock(directory)
      if (this.#isClosed) lock.release()
      else this.#lock = lock
      return 'taken'
    } catch (error) {
      const code = hostErrorCode(error)
      if (code === undefined) throw error
      if (code === 'ERR_DIRECTORY_LOCKED') return 'held'
      events.emit(offsetsNotKept, { directory, reason: String(error) })
      return 'unkept'
    }
  }

  /** What the file says, or the one before it when that cannot be read. */
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
