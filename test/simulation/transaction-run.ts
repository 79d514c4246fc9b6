import assert from 'node:assert/strict'
import { ConsumerOffsetTable, prepareHalf, Transactions } from '@skylarkmq/broker'
import { hostErrorCode } from '@skylarkmq/env'
import type { SimProcess } from '@skylarkmq/env/sim'
import {
  decodeProperties,
  decodeRecord,
  formatProperties,
  MessageSysFlag,
  Property,
  SystemTopic,
} from '@skylarkmq/protocol'
import { MessageStore, defaultStoreConfig } from '@skylarkmq/store'
import type { MessageToStore, PutMessageResult, StoreConfig } from '@skylarkmq/store'
import { GROUP, Producers } from './transaction-producers.ts'
import type { EndHeader, Transaction, Where } from './transaction-producers.ts'
import { ROOT, Trial } from './trial.ts'
import type { Death } from './trial.ts'

const TOPICS = ['TopicA', 'TopicB']
const QUEUES = 2
const SAVE_EVERY_MS = 5000
/** How long faults and crashes go on, virtual ms. */
export const FAULTY_MS = 60_000
/** Within this time after the last fault every transaction is ended. */
const ENDS_WITHIN_MS = 180_000

/** What a run did. */
export interface TransactionFigures {
  readonly transactions: number
  readonly committed: number
  readonly rolledBack: number
  readonly brokerDeaths: number
  readonly powerCuts: number
  readonly producerDeaths: number
  readonly checks: number
  readonly endsAgain: number
  readonly lostOnTheWay: number
  readonly syncsFailed: number
  readonly writesFailed: number
  readonly steps: number
}

/** What runs in one process. */
interface Broker {
  readonly process: SimProcess
  readonly store: MessageStore
  readonly offsets: ConsumerOffsetTable
  readonly transactions: Transactions
}

/** The transactions of one broker and some producers, all of which die at times that a seed decides. */
export class TransactionRun extends Trial<Broker, TransactionFigures> {
  readonly producers: Producers
  readonly #config: StoreConfig & {
    brokerName: string
    transactionTimeOut: number
    transactionCheckMax: number
    transactionCheckInterval: number
    transactionOpMsgMaxSize: number
  }

  constructor(seed: number, faultyMs = FAULTY_MS) {
    super(seed, faultyMs)
    const { random } = this.world
    this.#config = {
      ...defaultStoreConfig(ROOT),
      mappedFileSizeCommitLog: random.pick([64, 256]) * 1024,
      mappedFileSizeConsumeQueue: random.pick([50, 400]) * 20,
      maxHashSlotNum: 100,
      maxIndexNum: random.pick([100, 400]),
      flushDiskType: random.pick(['SYNC_FLUSH', 'ASYNC_FLUSH']),
      flushIntervalCommitLog: random.pick([100, 500]),
      logTailMemoryBytes: 256 * 1024,
      readCacheMemoryBytes: 256 * 1024,
      cleanFileForciblyEnable: false,
      messageIndexSafe: random.chance(0.3),
      brokerName: 'broker-a',
      transactionTimeOut: random.pick([1000, 6000]),
      // A half message that is given up waits for somebody to look at it.
      transactionCheckMax: 1000,
      transactionCheckInterval: random.pick([300, 2000, 10_000]),
      transactionOpMsgMaxSize: random.pick([8, 4096]),
    }
    const link = {
      send: (transaction: Transaction, born: number, stored: (where: Where) => void) => {
        this.guard(() => {
          this.#send(transaction, born, stored)
        })
      },
      end: (header: EndHeader) => {
        this.guard(() => {
          this.#end(header)
        })
      },
    }
    this.producers = new Producers(this.world, link, random.between(1, 3))
  }

  protected describe(): string {
    return JSON.stringify(this.#config)
  }

  protected async finish(): Promise<void> {
    this.producers.isQuiet = true
    await this.untilHealedFor(ENDS_WITHIN_MS)
    await this.#checkAllEnded()
  }

  // ---- the life of the broker

  protected async open(process: SimProcess): Promise<Broker> {
    const { env } = process
    const store = await MessageStore.open(env, this.#config)
    env.disk.makeDirectory(`${ROOT}/config`)
    const offsets = new ConsumerOffsetTable(env, `${ROOT}/config/consumerOffset.json`)
    if (!store.wasClean) offsets.clamp((topic, queueId) => store.offsetMax(topic, queueId))
    const transactions = new Transactions({
      env,
      store,
      offsets,
      config: this.#config,
      ask: (group, request) => this.producers.ask(group, request),
      stored: () => undefined,
      meter: { ended: () => undefined, givenUp: () => undefined },
      ensureDiscardTopic: () => undefined,
    })
    return { process, store, offsets, transactions }
  }

  protected opened({ env }: SimProcess, { store, offsets, transactions }: Broker): void {
    store.start()
    transactions.start()
    env.clock.every(SAVE_EVERY_MS, () => {
      transactions.saveProgress()
      try {
        offsets.save()
      } catch (error) {
        if (hostErrorCode(error) === undefined) this.fail(error)
      }
    })
    this.note(`opened, ${store.offsetMax(SystemTopic.TRANS_HALF, 0)} halves`)
    this.withoutFaults(() => this.#checkDelivered(store))
  }

  /** Without waiting for the disk, a message that was acknowledged may be lost when the power fails. */
  protected drawDeath(): Death {
    const isPower = this.#config.flushDiskType === 'SYNC_FLUSH' && this.world.random.chance(0.5)
    return isPower ? 'power' : 'kill'
  }

  protected async shutdown({ transactions, offsets, store }: Broker): Promise<void> {
    transactions.stop()
    offsets.save()
    await store.shutdown()
  }

  // ---- what happens

  protected plan(): void {
    const { random } = this.world
    this.again(
      () => random.between(10, 500),
      () => {
        if (this.isQuiet) return
        for (let count = random.pick([1, 1, 5]); count > 0; count--) {
          this.producers.begin(TOPICS, QUEUES)
        }
      },
    )
    this.again(
      () => random.between(1000, 10_000),
      () => {
        if (this.isQuiet) return
        const what = random.next()
        if (what < 0.5) this.strikeWithin(random.pick([3, 30, 100]))
        else if (what < 0.85) this.die(this.drawDeath())
        else void this.stopOrderly()
      },
    )
    this.again(
      () => random.between(1000, 10_000),
      () => {
        if (!this.isQuiet) this.producers.kill()
      },
    )
    this.again(
      () => random.between(4000, 20_000),
      () => {
        this.#spoil()
      },
    )
  }

  #spoil(): void {
    if (this.isQuiet) return
    const { random } = this.world
    const { disk } = this.node
    const used = disk.usedPages * 4096
    // Where nobody waits for the disk, what a cache drops may be gone with a kill, and nobody is to be blamed.
    const dropsCache = random.chance(0.5) && this.#config.flushDiskType === 'SYNC_FLUSH'
    const kinds = [
      { capacityBytes: used + random.below(20_000) },
      { writeErrors: 0.2 },
      { writeErrors: 1 },
      { readErrors: 0.1 },
      { syncErrors: 0.3, dropsCache },
      { syncErrors: 1, dropsCache },
    ]
    this.spoilDisk(kinds, 5000)
  }

  // ---- requests of producers

  #send(transaction: Transaction, born: number, stored: (where: Where) => void): void {
    const broker = this.running
    if (broker === undefined) return
    const { process } = broker
    const answer = (result: PutMessageResult): void => {
      if (!process.isAlive || result.status !== 'PUT_OK') return
      this.guard(() => {
        stored(result)
      })
    }
    const result = broker.store.putMessage(prepareHalf(messageOf(transaction, born)))
    if (result instanceof Promise) void result.then(answer)
    else {
      process.env.turn.sends((failure) => {
        if (failure === undefined) answer(result)
      })
    }
  }

  #end(header: EndHeader): void {
    const broker = this.running
    if (broker === undefined) return
    try {
      broker.transactions.end(header)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.note(`end failed: ${String(error)}`)
    }
  }

  // ---- what has to be so

  /** How often each message lies in its queue. Nothing that was not committed does, and nothing twice. */
  #checkDelivered(store: MessageStore): Map<string, number> {
    const counts = new Map<string, number>()
    for (const topic of TOPICS) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        for (let offset = 0; offset < store.offsetMax(topic, queueId); offset++) {
          const unit = store.queueUnitAt(topic, queueId, offset)
          const bytes = unit === undefined ? undefined : store.recordAt(unit.physicalOffset)
          assert.ok(bytes !== undefined, `${topic} ${queueId} has ${offset}`)
          const record = decodeRecord(bytes)
          const id = decodeProperties(record.properties).get(Property.UNIQ_KEY) ?? ''
          const transaction = this.producers.transactions.get(id)
          assert.equal(transaction?.decision, 'commit', `${id} was committed`)
          assert.equal(record.topic, transaction.topic)
          assert.equal(record.queueId, transaction.queueId)
          assert.equal(record.body.toString(), `body of ${id}`)
          counts.set(id, (counts.get(id) ?? 0) + 1)
          assert.equal(counts.get(id), 1, `${id} is delivered once`)
        }
      }
    }
    return counts
  }

  async #checkAllEnded(): Promise<void> {
    const broker = this.running
    assert.ok(broker !== undefined, 'the broker runs')
    const { store } = broker
    const counts = this.withoutFaults(() => this.#checkDelivered(store))
    for (const { id, decision, acknowledgedAt } of this.producers.transactions.values()) {
      if (acknowledgedAt === undefined) continue
      assert.ok(decision !== undefined, `${id} is decided`)
      assert.equal(counts.get(id) ?? 0, decision === 'commit' ? 1 : 0, `${id}: ${decision}`)
    }
    const halves = store.offsetMax(SystemTopic.TRANS_HALF, 0)
    const { checks } = this.producers.figures
    await this.until(this.world.time + 60_000)
    assert.equal(store.offsetMax(SystemTopic.TRANS_HALF, 0), halves, 'nothing is checked any more')
    assert.equal(this.producers.figures.checks, checks, 'nobody is asked any more')
    const progress = broker.offsets.committed('CID_RMQ_SYS_TRANS', SystemTopic.TRANS_HALF, 0)
    assert.equal(progress, halves, 'all half messages are behind')
  }

  protected figures(): TransactionFigures {
    const all = [...this.producers.transactions.values()]
    const known = all.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
    const { deaths, disk } = this.node
    const { figures } = this.producers
    return {
      transactions: known.length,
      committed: known.filter(({ decision }) => decision === 'commit').length,
      rolledBack: known.filter(({ decision }) => decision === 'rollback').length,
      brokerDeaths: deaths.killed + deaths.powerCuts,
      powerCuts: deaths.powerCuts,
      producerDeaths: figures.deaths,
      checks: figures.checks,
      endsAgain: figures.endsAgain,
      lostOnTheWay: figures.endsLost,
      syncsFailed: disk.struck.syncs,
      writesFailed: disk.struck.writes + disk.struck.full,
      steps: this.world.steps,
    }
  }
}

function messageOf(transaction: Transaction, bornTimestamp: number): MessageToStore {
  const { id, topic, queueId, immunitySeconds, isDelayed } = transaction
  const properties: Record<string, string> = { UNIQ_KEY: id, TRAN_MSG: 'true', PGROUP: GROUP }
  if (immunitySeconds !== undefined) {
    properties[Property.CHECK_IMMUNITY_TIME_IN_SECONDS] = String(immunitySeconds)
  }
  if (isDelayed) properties[Property.DELAY] = '1'
  return {
    topic,
    queueId,
    flag: 0,
    sysFlag: MessageSysFlag.TRANSACTION_PREPARED,
    bornTimestamp,
    bornHost: Uint8Array.of(10, 0, 0, 1),
    bornPort: 50_000,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(`body of ${id}`),
    properties: Buffer.from(formatProperties(properties)),
    tagsCode: 0,
    waitStoreOk: true,
  }
}
