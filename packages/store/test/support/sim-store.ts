import { SimNode, World } from '@skylarkmq/env/sim'
import type { SimProcess } from '@skylarkmq/env/sim'
import { MessageStore } from '../../src/index.ts'
import type { MessageToStore, PutMessageResult, StoreConfig } from '../../src/index.ts'
import { message, smallConfig } from './stores.ts'

/** A store on a simulated machine, whose disk loses what is not synced. */
export class SimStore {
  readonly world: World
  readonly node: SimNode
  readonly config: StoreConfig
  readonly seen: string[] = []
  store!: MessageStore
  process!: SimProcess

  constructor(changes: Partial<StoreConfig> = {}, seed = 1) {
    this.world = new World(seed)
    this.node = new SimNode(this.world)
    this.config = smallConfig(changes)
  }

  /** Starts a process with the store in it. */
  async start(): Promise<MessageStore> {
    this.process = this.node.start((name) => this.seen.push(name))
    this.config.processId++
    this.store = await MessageStore.open(this.process.env, this.config)
    this.store.start()
    return this.store
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.world.run(this.world.time + ms)
  }

  /** Puts a message, and gives it the time that a disk takes, which now and then is long. */
  async put(changes: Partial<MessageToStore> & { text?: string } = {}): Promise<PutMessageResult> {
    const result = this.store.putMessage(message(changes))
    const answered = new Set<PutMessageResult>()
    void Promise.resolve(result).then((answer) => answered.add(answer))
    await this.pass(100)
    for (let i = 0; i < 20 && answered.size === 0; i++) await this.pass(1000)
    return result
  }

  /** Fails every sync from now on; with `dropsCache` reads show what is on disk. */
  failSyncs(dropsCache = false): void {
    this.node.disk.faults = { ...this.node.disk.faults, syncErrors: 1, dropsCache }
  }

  /** Nothing is wrong with the disk any more. */
  heal(): void {
    const faults = { capacityBytes: Infinity, writeErrors: 0, readErrors: 0, syncErrors: 0 }
    this.node.disk.faults = { ...faults, flips: 0, dropsCache: false, where: undefined }
  }

  /** The bodies of a queue, in order. */
  async bodies(queueId = 0): Promise<string[]> {
    const bodies: string[] = []
    const { store } = this
    for (let offset = 0; offset < store.offsetMax('TopicTest', queueId); offset++) {
      const reading = store.getMessage('TopicTest', queueId, offset, { maxCount: 1 })
      await this.pass(100)
      const { records } = await reading
      const [record] = records
      if (record === undefined) break
      const size = record.readInt32BE(84)
      bodies.push(record.toString('utf8', 88, 88 + size))
    }
    return bodies
  }

  /** Stops the store; `withinMs` is how long that may take. */
  async stop(withinMs = 60_000): Promise<void> {
    const stopped = this.store.shutdown()
    await this.pass(withinMs)
    await stopped
    this.node.exited()
  }
}
