import assert from 'node:assert/strict'
import { hostErrorCode } from '@skylarkmq/env'
import type { EventValues } from '@skylarkmq/env'
import type { SimProcess } from '@skylarkmq/env/sim'
import { MessageStore, defaultStoreConfig } from '@skylarkmq/store'
import { judgeStore } from '@skylarkmq/store-tools'
import type {
  GetMessageResult,
  MessageToStore,
  PutMessageResult,
  StoreConfig,
} from '@skylarkmq/store'
import { checkKeysAreFound } from './checkers/keys-are-found.ts'
import { checkPromisesAreKept } from './checkers/promises-are-kept.ts'
import { checkQueuesAreWhole } from './checkers/queues-are-whole.ts'
import { checkServedWasSent } from './checkers/served-was-sent.ts'
import { checkStoreAgrees } from './checkers/store-agrees.ts'
import { Ledger, queueName } from './ledger.ts'
import type { Sent } from './ledger.ts'
import { ROOT, Trial } from './trial.ts'
import type { Death } from './trial.ts'

/** Its messages are batches, each of them one record. */
const BATCHES = 'TopicOfBatches'
const TOPICS = ['TopicA', 'TopicB', `%RETRY%${'long'.repeat(33)}`, BATCHES]
const INNER_BATCH = 128
const BATCH_MAX = 5
const QUEUES = 3
/** Of so many starts one is foretold by a check. */
const JUDGED_EVERY = 4
const ALL_QUEUES = TOPICS.flatMap((topic) =>
  Array.from({ length: QUEUES }, (_, queueId) => [topic, queueId] as const),
)
/** How long faults and crashes go on, virtual ms. */
export const FAULTY_MS = 40_000
/** Within this time after the last fault everything works again. */
const HEALS_WITHIN_MS = 35_000

/** Nobody sends for as long as this. */
const SILENT_MS = 2000

/** What a run did. */
export interface RunFigures {
  readonly acknowledged: number
  readonly lost: number
  readonly deaths: number
  readonly powerCuts: number
  readonly pulled: number
  readonly refused: number
  readonly syncsFailed: number
  readonly writesFailed: number
  readonly steps: number
}

/** One store on one machine, under load, with faults and crashes that a seed decides. */
export class StoreRun extends Trial<MessageStore, RunFigures> {
  readonly ledger = new Ledger()
  readonly config: StoreConfig
  #isEnding = false
  #processes = 0
  /** Queues that get messages at the time; the others are idle. */
  #busy: readonly (readonly [topic: string, queueId: number])[] = ALL_QUEUES
  #flushedOffset = 0
  #mayForgive = false
  #hasUnwritten = false
  #lastAckMs = 0
  #pulled = 0
  #refused = 0
  readonly #positions = new Map<string, number>()
  readonly #pulling = new Set<string>()

  constructor(seed: number, faultyMs = FAULTY_MS) {
    super(seed, faultyMs)
    const { random } = this.world
    this.config = {
      ...defaultStoreConfig(ROOT),
      mappedFileSizeCommitLog: random.pick([16, 64, 256]) * 1024,
      mappedFileSizeConsumeQueue: random.pick([20, 50, 400]) * 20,
      mapperFileSizeBatchConsumeQueue: random.pick([7, 90]) * 46,
      maxHashSlotNum: 100,
      maxIndexNum: random.pick([100, 400]),
      flushDiskType: random.pick(['SYNC_FLUSH', 'ASYNC_FLUSH']),
      flushIntervalCommitLog: random.pick([100, 500, 2000]),
      flushConsumeQueueThoroughInterval: random.pick([500, 3000, 10_000]),
      logTailMemoryBytes: random.pick([64, 256]) * 1024,
      readCacheMemoryBytes: 256 * 1024,
      maxOpenQueueFiles: 4,
      // Messages that retention takes away would look as if they were lost.
      cleanFileForciblyEnable: false,
      messageIndexSafe: random.chance(0.3),
    }
  }

  protected describe(): string {
    return JSON.stringify(this.config)
  }

  protected async finish(): Promise<void> {
    await this.untilHealedFor(HEALS_WITHIN_MS)
    this.#checkLive()
    this.#isEnding = true
    await this.until(this.world.time + 15_000)
    await this.#end()
  }

  // ---- the life of a process

  protected async open(process: SimProcess): Promise<MessageStore> {
    this.#hasUnwritten = false
    const config = { ...this.config, processId: ++this.#processes }
    if (this.#processes % JUDGED_EVERY === 0) await this.#judge(process, config)
    return MessageStore.open(process.env, config, isBatchTopic)
  }

  /** Whatever the last process left, the next start mends it, and a check says so. */
  async #judge(process: SimProcess, config: StoreConfig): Promise<void> {
    const { verdict, remaining, startError } = await this.withoutFaultsUntil(() =>
      judgeStore(process.env, config),
    )
    assert.notEqual(verdict, 'unsound', startError ?? JSON.stringify(remaining.slice(0, 3)))
    this.note(`a check says: ${verdict}`)
  }

  /** A disk that cannot be read or brought up to date is reason enough; one that is full is none. */
  protected override mayNotOpen(error: unknown): boolean {
    // What a killed process left in the page cache went with the sync.
    if (String(error).includes('fsync') && this.node.disk.faults.dropsCache) this.#mayForgive = true
    return hostErrorCode(error) === 'EIO'
  }

  protected override heard(name: string, values: EventValues<string>): void {
    // What an open could not write is in memory, and on disk a little later.
    if (name === 'store.write.failed' || name === 'store.index.behind') this.#hasUnwritten = true
    // A log is cut while it is open only when what follows was lost by a failed sync.
    if (name === 'store.commitlog.torn' && this.running !== undefined) {
      this.ledger.forgive(Number(values['offset']), () => false)
    }
    if (name === 'store.sync.failed' && this.node.disk.faults.dropsCache) this.#mayForgive = true
  }

  protected opened(process: SimProcess, store: MessageStore): void {
    const found = this.withoutFaults(() => checkQueuesAreWhole(store, this.ledger))
    if (this.hasDropped() || this.#mayForgive) {
      this.ledger.forgive(this.#flushedOffset, (sent) => isFound(found, sent))
      this.#mayForgive = false
    }
    checkPromisesAreKept(this.ledger, found)
    if (!this.#hasUnwritten) {
      this.withoutFaults(() => {
        checkStoreAgrees(process.env.disk, this.config, 'after it was opened')
        checkKeysAreFound(store, found, this.world.random)
      })
    }
    this.#flushedOffset = store.flushedOffset
    const { random } = this.world
    this.#busy = random.chance(0.5) ? ALL_QUEUES : [random.pick(ALL_QUEUES)]
    this.note(`opened, ${store.commitLogOffsetMax} bytes`)
    store.start()
  }

  protected drawDeath(): Death {
    return this.world.random.chance(0.5) ? 'kill' : 'power'
  }

  protected override leaving(store: MessageStore | undefined, how: Death | undefined): void {
    this.#pulling.clear()
    if (how === undefined) return
    this.#flushedOffset = store?.flushedOffset ?? this.#flushedOffset
    if (how === 'power') this.#mayForgive = true
  }

  protected async shutdown(store: MessageStore): Promise<void> {
    await store.shutdown()
  }

  protected override stopped(store: MessageStore): void {
    this.#flushedOffset = Math.max(this.#flushedOffset, store.flushedOffset)
  }

  // ---- what happens to it

  protected plan(): void {
    const { random } = this.world
    this.again(
      () => random.between(5, 400),
      () => this.#send(),
    )
    this.again(
      () => random.between(20, 250),
      () => this.#pull(),
    )
    this.again(
      () => random.between(1000, 12_000),
      () => this.#crash(),
    )
    this.again(
      () => random.between(2000, 15_000),
      () => this.#spoil(),
    )
    this.again(
      () => random.between(5000, 40_000),
      () => this.#jump(),
    )
  }

  #crash(): void {
    if (this.isQuiet) return
    const { random } = this.world
    const what = random.next()
    if (what < 0.45) this.strikeWithin(random.pick([3, 30, 300]))
    else if (what < 0.6) this.die('kill')
    else if (what < 0.85) this.die('power')
    else void this.stopOrderly()
  }

  #spoil(): void {
    if (this.isQuiet) return
    const { random } = this.world
    const { disk } = this.node
    const used = disk.usedPages * 4096
    const dropsCache = random.chance(0.5)
    const kinds = [
      { capacityBytes: used + random.below(100_000) },
      { capacityBytes: used },
      { writeErrors: 0.2 },
      { writeErrors: 1 },
      { readErrors: 0.1 },
      { syncErrors: 0.3, dropsCache },
      { syncErrors: 1, dropsCache },
    ]
    this.spoilDisk(kinds, 8000)
  }

  #jump(): void {
    const { random } = this.world
    if (this.isQuiet || random.chance(0.7)) return
    this.jumpClock([-3_600_000, -5000, 5000, 600_000])
  }

  // ---- its users

  #send(): void {
    const store = this.running
    const process = this.process
    if (store === undefined || process === undefined || this.#isEnding) return
    const { random } = this.world
    for (let count = random.pick([1, 1, 3, 20]); count > 0; count--) {
      const [topic, queueId] = random.pick(this.#busy)
      const sent = this.ledger.send(topic, queueId, this.#size())
      const waits = random.chance(0.8)
      const result = store.putMessage(messageOf(sent, waits))
      const isSync = this.config.flushDiskType === 'SYNC_FLUSH' && waits
      if (result instanceof Promise) {
        void result.then((late) => {
          if (process.isAlive) this.guard(() => this.#answer(sent, late, isSync))
        })
        continue
      }
      process.env.turn.sends((failure) => {
        if (failure !== undefined || !process.isAlive) return
        this.guard(() => this.#answer(sent, result, false))
      })
    }
  }

  #size(): number {
    const { random } = this.world
    return random.pick([random.below(50), 500, random.below(4000)])
  }

  #answer(sent: Sent, result: PutMessageResult, isSync: boolean): void {
    if (result.status === 'PUT_OK' || result.status === 'FLUSH_DISK_TIMEOUT') {
      sent.queueOffset = result.queueOffset
      sent.physicalEnd = result.physicalOffset + result.sizeBytes
      this.ledger.acknowledge(sent, isSync && result.status === 'PUT_OK' ? 'power' : 'process')
      this.#lastAckMs = this.world.time
      return
    }
    this.#refused++
    assert.ok(result.remark !== undefined && result.remark !== '', 'a refusal says why')
  }

  #pull(): void {
    const store = this.running
    const process = this.process
    if (store === undefined || process === undefined) return
    const { random } = this.world
    const topic = random.pick(TOPICS)
    const queueId = random.below(QUEUES)
    const name = queueName(topic, queueId)
    if (this.#pulling.has(name)) return
    const max = store.offsetMax(topic, queueId)
    const follows = random.chance(0.8)
    const position = Math.min(this.#positions.get(name) ?? 0, max)
    const offset = follows ? position : random.below(max + 1)
    const limits = { maxCount: random.between(1, 32) }
    this.#pulling.add(name)
    const found = new Promise<GetMessageResult>((resolve) => {
      resolve(store.getMessage(topic, queueId, offset, limits))
    })
    void found.then(
      (result) => {
        if (!process.isAlive || store !== this.running) return
        this.#pulling.delete(name)
        this.guard(() => {
          const served = checkServedWasSent(this.ledger, topic, queueId, result)
          for (const sent of served) sent.isDelivered = true
          this.#pulled += served.length
          assert.ok(
            result.nextBeginOffset <= store.offsetMax(topic, queueId),
            'not ahead of the end',
          )
          if (follows) this.#positions.set(name, result.nextBeginOffset)
        })
      },
      (error: unknown) => {
        this.#pulling.delete(name)
        if (process.isAlive && hostErrorCode(error) !== 'EIO') this.fail(error)
      },
    )
  }

  // ---- the end

  #checkLive(): void {
    const store = this.running
    assert.ok(store !== undefined, 'the store is open')
    assert.equal(store.whyNotWriteable(), undefined, 'the store accepts messages again')
    const silentMs = this.world.time - this.#lastAckMs
    // A disk may think for longer than a message that waits for it.
    const limitMs = SILENT_MS + this.config.syncFlushTimeout
    assert.ok(
      silentMs < limitMs,
      `messages are acknowledged again; the last was ${silentMs} ms ago`,
    )
  }

  async #end(): Promise<void> {
    const store = this.running
    const process = this.process
    assert.ok(store !== undefined && process !== undefined)
    const stopped = store.shutdown()
    await this.until(this.world.time + 60_000)
    await stopped
    this.node.exited()
    const last = this.node.start()
    const isComplete = last.env.disk.stat(`${ROOT}/abort`) === undefined
    if (isComplete) checkStoreAgrees(last.env.disk, this.config, 'after an orderly stop')
    const again = await MessageStore.open(last.env, this.config, isBatchTopic)
    checkStoreAgrees(last.env.disk, this.config, 'after the last open')
    checkPromisesAreKept(this.ledger, checkQueuesAreWhole(again, this.ledger))
  }

  protected figures(): RunFigures {
    const { deaths, disk } = this.node
    return {
      acknowledged: this.ledger.acknowledged,
      lost: this.ledger.lost,
      deaths: deaths.killed + deaths.powerCuts,
      powerCuts: deaths.powerCuts,
      pulled: this.#pulled,
      refused: this.#refused,
      syncsFailed: disk.struck.syncs,
      writesFailed: disk.struck.writes + disk.struck.full,
      steps: this.world.steps,
    }
  }
}

function isFound(found: ReadonlyMap<string, readonly Sent[]>, sent: Sent): boolean {
  return found.get(queueName(sent.topic, sent.queueId))?.[sent.queueOffset] === sent
}

function isBatchTopic(topic: string): boolean {
  return topic === BATCHES
}

function messageOf(sent: Sent, waitStoreOk: boolean): MessageToStore {
  const isBatch = isBatchTopic(sent.topic)
  const count = isBatch ? `INNER_NUM\x01${1 + (sent.id % BATCH_MAX)}\x02` : ''
  return {
    topic: sent.topic,
    queueId: sent.queueId,
    flag: 0,
    sysFlag: isBatch ? INNER_BATCH : 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: Uint8Array.of(10, 0, 0, 1),
    bornPort: 50_000,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(sent.body),
    properties: Buffer.from(`UNIQ_KEY\x01ID${sent.id}\x02KEYS\x01key${sent.id}\x02${count}`),
    tagsCode: 0,
    waitStoreOk,
  }
}
