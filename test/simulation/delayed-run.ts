import assert from 'node:assert/strict'
import { prepareSpecial, ScheduledDelivery } from '@skylarkmq/broker'
import type { SpecialParts } from '@skylarkmq/broker'
import { hostErrorCode } from '@skylarkmq/env'
import type { EventValues } from '@skylarkmq/env'
import type { SimProcess } from '@skylarkmq/env/sim'
import { decodeProperties, decodeRecord, formatProperties, Property } from '@skylarkmq/protocol'
import type { DecodedMessage } from '@skylarkmq/protocol'
import { defaultStoreConfig, isStored, MessageStore } from '@skylarkmq/store'
import type { MessageToStore, PutMessageResult, StoreConfig } from '@skylarkmq/store'
import { ROOT, Trial } from './trial.ts'
import type { Death } from './trial.ts'

const TOPICS = ['TopicA', 'TopicB']
const QUEUES = 2
/** Delays of the levels, ms. */
const LEVELS_MS = [1000, 5000, 20_000]
/** Longest time that a message asks for, ms. */
const FARTHEST_MS = 40_000
/** Slots, in which all that is sent here has room. */
const NEVER_ROLLS = 172_800
const SAVE_EVERY_MS = 10_000
/** How long faults and crashes go on, virtual ms. */
export const FAULTY_MS = 60_000
/** Within this time after the last fault every message has come, however far the clock was set back. */
const ALL_COME_WITHIN_MS = 200_000

/** What a run did. */
export interface DelayedFigures {
  readonly acknowledged: number
  readonly byLevel: number
  readonly byTime: number
  readonly delivered: number
  readonly recalled: number
  readonly lost: number
  readonly deaths: number
  readonly powerCuts: number
  readonly stops: number
  readonly jumpsBack: number
  readonly jumpsForward: number
  readonly refused: number
  readonly syncsFailed: number
  readonly writesFailed: number
  readonly steps: number
}

/** What was sent, and what its sender knows of it. */
interface Stored {
  /** Whether its sender was told that it is stored; it is kept from then on, unless `isLost`. */
  isAcknowledged: boolean
  isOnDisk: boolean
  isLost: boolean
  physicalEnd: number
}

/** What calls a message back. */
interface Recall extends Stored {
  /** Whether it was asked for, and answered, before the message was due. */
  inTime: boolean
}

/** A message that somebody sent. */
interface Waiting extends Stored {
  readonly id: string
  readonly topic: string
  readonly queueId: number
  /** For a level, how long it is to wait. */
  readonly delayMs: number | undefined
  /** For a time of its own, the time by the broker's clock. */
  dueMs: number | undefined
  readonly properties: Readonly<Record<string, string>>
  /** What called it back, if somebody did. */
  recall: Recall | undefined
  /** `lapsedMs` when it was stored. */
  storedAtMs: number
}

/** What runs in one process. */
interface Broker extends SpecialParts {
  readonly process: SimProcess
}

/** Messages that wait for a level's delay or a time of their own, in a broker that dies and whose clock jumps. */
export class DelayedRun extends Trial<Broker, DelayedFigures> {
  readonly #config: StoreConfig & SpecialParts['config']
  readonly #sent = new Map<string, Waiting>()
  #flushedOffset = 0
  #forwardMs = 0
  readonly #counts = {
    acknowledged: 0,
    recalled: 0,
    lost: 0,
    stops: 0,
    back: 0,
    forward: 0,
    refused: 0,
  }

  constructor(seed: number, faultyMs = FAULTY_MS) {
    super(seed, faultyMs)
    const { random } = this.world
    this.#config = {
      ...defaultStoreConfig(ROOT),
      messageDelayLevel: LEVELS_MS.map((ms) => `${ms / 1000}s`).join(' '),
      mappedFileSizeCommitLog: random.pick([64, 256]) * 1024,
      mappedFileSizeConsumeQueue: random.pick([50, 400]) * 20,
      mappedFileSizeTimerLog: random.pick([1024, 16_384]),
      timerPrecisionMs: random.pick([1000, 1000, 100]),
      timerFlushIntervalMs: random.pick([100, 1000, 5000]),
      timerRollWindowSlot: random.pick([12, NEVER_ROLLS]),
      maxHashSlotNum: 100,
      maxIndexNum: random.pick([100, 400]),
      flushDiskType: random.pick(['SYNC_FLUSH', 'ASYNC_FLUSH']),
      flushIntervalCommitLog: random.pick([100, 500]),
      logTailMemoryBytes: 256 * 1024,
      readCacheMemoryBytes: 256 * 1024,
      cleanFileForciblyEnable: false,
      messageIndexSafe: random.chance(0.3),
      rejectTransactionMessage: false,
    }
  }

  protected describe(): string {
    return JSON.stringify(this.#config)
  }

  /** Time that passed by a clock that is never set back. */
  get #lapsedMs(): number {
    return this.world.time + this.#forwardMs
  }

  // ---- the life of the broker

  protected async open(process: SimProcess): Promise<Broker> {
    const { env } = process
    const store = await MessageStore.open(env, this.#config)
    env.disk.makeDirectory(`${ROOT}/config`)
    const path = `${ROOT}/config/delayOffset.json`
    const schedule = new ScheduledDelivery(env, store, path, this.#config.messageDelayLevel)
    return { process, env, store, schedule, host: '10.0.0.1', config: this.#config }
  }

  protected opened(_process: SimProcess, { env, store, schedule }: Broker): void {
    this.note(`opened, ${store.commitLogOffsetMax} bytes`)
    if (this.hasDropped()) this.#forgive()
    this.withoutFaults(() => this.#delivered(store))
    store.watch({
      arrived: ({ topic, queueId, nextOffset }) => {
        if (!TOPICS.includes(topic)) return
        this.guard(() => {
          this.#arrived(store, topic, queueId, nextOffset - 1)
        })
      },
    })
    store.start()
    schedule.start()
    env.clock.every(SAVE_EVERY_MS, () => {
      this.#trying(() => {
        schedule.save()
      })
    })
  }

  protected drawDeath(): Death {
    return this.world.random.chance(0.6) ? 'kill' : 'power'
  }

  protected override leaving(broker: Broker | undefined, how: Death | undefined): void {
    this.#flushedOffset = broker?.store.flushedOffset ?? this.#flushedOffset
    if (how === 'power') this.#forgive()
  }

  protected async shutdown({ store, schedule }: Broker): Promise<void> {
    schedule.stop()
    await store.shutdown()
    schedule.saveLast()
  }

  protected override stopped({ store }: Broker): void {
    this.#counts.stops++
    this.#flushedOffset = Math.max(this.#flushedOffset, store.flushedOffset)
  }

  protected override heard(name: string, values: EventValues<string>): void {
    assert.ok(name !== 'store.timer.message-lost', JSON.stringify(values))
    if (name === 'store.sync.failed' && this.node.disk.faults.dropsCache) this.#forgive()
  }

  /** What a killed process left in the page cache may go with a sync that fails. */
  protected override mayNotOpen(error: unknown): boolean {
    if (String(error).includes('fsync') && this.node.disk.faults.dropsCache) this.#forgive()
    return super.mayNotOpen(error)
  }

  /** A power cut may take what was acknowledged without waiting for the disk. */
  #forgive(): void {
    this.#flushedOffset = this.running?.store.flushedOffset ?? this.#flushedOffset
    const recalls = [...this.#sent.values()].flatMap(({ recall }) => recall ?? [])
    for (const stored of [...this.#sent.values(), ...recalls]) {
      if (!stored.isAcknowledged || stored.isOnDisk || stored.isLost) continue
      if (stored.physicalEnd <= this.#flushedOffset) continue
      stored.isLost = true
      this.#counts.lost++
    }
  }

  #trying(f: () => void): void {
    this.guard(() => {
      try {
        f()
      } catch (error) {
        if (hostErrorCode(error) === undefined) throw error
        this.note(`failed: ${String(error)}`)
      }
    })
  }

  // ---- what happens

  protected plan(): void {
    const { random } = this.world
    this.again(
      () => random.between(20, 800),
      () => {
        if (this.isQuiet) return
        for (let count = random.pick([1, 1, 1, 8]); count > 0; count--) this.#send()
        if (random.chance(0.3)) this.#recall()
      },
    )
    this.again(
      () => random.between(1000, 10_000),
      () => {
        if (this.isQuiet) return
        const what = random.next()
        if (what < 0.45) this.strikeWithin(random.pick([3, 30, 100]))
        else if (what < 0.8) this.die(this.drawDeath())
        else void this.stopOrderly()
      },
    )
    this.again(
      () => random.between(4000, 20_000),
      () => {
        if (!this.isQuiet) this.#spoil()
      },
    )
    this.again(
      () => random.between(3000, 25_000),
      () => {
        if (!this.isQuiet) this.#jump()
      },
    )
  }

  #spoil(): void {
    const { random } = this.world
    const used = this.node.disk.usedPages * 4096
    const dropsCache = random.chance(0.5)
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

  #jump(): void {
    const before = this.node.clockOffsetMs
    this.jumpClock([-30_000, -5000, -700, -100, 100, 3000, 25_000])
    const byMs = this.node.clockOffsetMs - before
    this.#forwardMs += Math.max(0, byMs)
    this.#counts[byMs < 0 ? 'back' : 'forward']++
  }

  // ---- its users

  #send(): void {
    const broker = this.running
    if (broker === undefined) return
    const message = this.#draw(broker.env.clock.now())
    this.#sent.set(message.id, message)
    message.storedAtMs = this.#lapsedMs
    this.#put(broker, message, message, message.properties)
  }

  /** Somebody calls back a message that waits for its time. */
  #recall(): void {
    const { running: broker, world } = this
    if (broker === undefined) return
    const nowMs = broker.env.clock.now()
    const waiting = [...this.#sent.values()].filter(
      ({ isAcknowledged, recall, dueMs = 0 }) =>
        isAcknowledged && recall === undefined && dueMs > nowMs,
    )
    if (waiting.length === 0) return
    const message = world.random.pick(waiting)
    message.recall = { ...notStored, inTime: this.#isWellBefore(message, nowMs) }
    this.#put(broker, message, message.recall, {
      [Property.UNIQ_KEY]: message.id,
      [Property.TIMER_DELIVER_MS]: String(message.dueMs),
      [Property.TIMER_DEL_UNIQKEY]: `${message.topic}+${message.id}`,
    })
  }

  /** What is due in a moment may be on its way. */
  #isWellBefore({ dueMs = 0 }: Waiting, nowMs: number): boolean {
    return dueMs > nowMs + this.#config.timerPrecisionMs
  }

  #put(
    broker: Broker,
    message: Waiting,
    stored: Stored,
    properties: Readonly<Record<string, string>>,
  ): void {
    const { process, env, store } = broker
    const waits = this.world.random.chance(0.8)
    const whole = messageOf(message, properties, env.clock.now(), waits)
    const prepared = prepareSpecial(broker, whole)
    assert.ok('topic' in prepared, 'it is not refused')
    const isSync = this.#config.flushDiskType === 'SYNC_FLUSH' && waits
    const answer = (result: PutMessageResult): void => {
      if (!process.isAlive) return
      this.#answer(stored, result, isSync)
      // Until it is on disk it is not looked at, and a disk may think for long.
      const isSeen = this.#config.flushDiskType === 'ASYNC_FLUSH' || stored.isOnDisk
      const isInTime = isSeen && this.#isWellBefore(message, env.clock.now())
      if (stored === message.recall && !isInTime) message.recall.inTime = false
    }
    const result = store.putMessage(prepared)
    if (result instanceof Promise) void result.then(answer)
    else {
      env.turn.sends((failure) => {
        if (failure === undefined) answer(result)
      })
    }
  }

  #draw(nowMs: number): Waiting {
    const { random } = this.world
    const id = `M${this.#sent.size}`
    const place = { id, topic: random.pick(TOPICS), queueId: random.below(QUEUES) }
    const rest = { ...notStored, recall: undefined, storedAtMs: 0 }
    const unique = { [Property.UNIQ_KEY]: id }
    if (random.chance(0.5)) {
      const level = random.between(1, LEVELS_MS.length)
      const properties = { ...unique, [Property.DELAY]: String(level) }
      return { ...place, ...rest, delayMs: LEVELS_MS[level - 1], dueMs: undefined, properties }
    }
    const waitMs = random.pick([random.below(3000), random.below(FARTHEST_MS)])
    const seconds = Math.floor(waitMs / 1000)
    const [name, value, dueMs] = random.pick([
      [Property.TIMER_DELIVER_MS, nowMs + waitMs, nowMs + waitMs],
      [Property.TIMER_DELAY_MS, waitMs, nowMs + waitMs],
      [Property.TIMER_DELAY_SEC, seconds, nowMs + seconds * 1000],
    ] as const)
    const properties = { ...unique, [name]: String(value) }
    return { ...place, ...rest, delayMs: undefined, dueMs, properties }
  }

  #answer(stored: Stored, result: PutMessageResult, isSync: boolean): void {
    if (!isStored(result.status)) {
      this.#counts.refused++
      return
    }
    this.#counts['inTime' in stored ? 'recalled' : 'acknowledged']++
    stored.isAcknowledged = true
    stored.isOnDisk = isSync && result.status === 'PUT_OK'
    stored.physicalEnd = result.physicalOffset + result.sizeBytes
  }

  // ---- what has to be so

  /** A delay lasts as long as it should by a clock that is never set back. */
  #arrived(store: MessageStore, topic: string, queueId: number, queueOffset: number): void {
    const found = this.withoutFaults(() => this.#messageAt(store, topic, queueId, queueOffset))
    if (found.message.delayMs === undefined) return
    const { id, delayMs, storedAtMs } = found.message
    const earlyMs = delayMs - (this.#lapsedMs - storedAtMs)
    assert.ok(earlyMs <= 1, `${id} came ${earlyMs} ms before the end of its delay`)
  }

  #messageAt(
    store: MessageStore,
    topic: string,
    queueId: number,
    queueOffset: number,
  ): { message: Waiting; record: DecodedMessage } {
    const unit = store.queueUnitAt(topic, queueId, queueOffset)
    const bytes = unit === undefined ? undefined : store.recordAt(unit.physicalOffset)
    assert.ok(bytes !== undefined, `${topic} ${queueId} has ${queueOffset}`)
    const record = decodeRecord(bytes)
    const id = decodeProperties(record.properties).get(Property.UNIQ_KEY) ?? ''
    const message = this.#sent.get(id)
    assert.ok(message !== undefined, `${id} was sent`)
    assert.equal(record.topic, message.topic)
    assert.equal(record.queueId, message.queueId)
    assert.equal(record.body.toString(), `body of ${id}`)
    return { message, record }
  }

  /** The messages that have come. Nobody sent another, none is early, and none comes twice. */
  #delivered(store: MessageStore): Set<string> {
    const found = new Set<string>()
    for (const topic of TOPICS) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        for (let offset = 0; offset < store.offsetMax(topic, queueId); offset++) {
          const { message, record } = this.#messageAt(store, topic, queueId, offset)
          const { id, dueMs, recall } = message
          assert.ok(!found.has(id), `${id} has come twice`)
          found.add(id)
          const isRecalled = recall !== undefined && this.#isInForce(recall, record)
          assert.ok(!isRecalled, `${id} was called back`)
          if (dueMs === undefined) continue
          const earlyMs = dueMs - record.storeTimestamp
          assert.ok(earlyMs <= 0, `${id} came ${earlyMs} ms early`)
        }
      }
    }
    return found
  }

  /** Whether what called a message back is to keep it from being delivered as `record`. */
  #isInForce(recall: Recall, record: DecodedMessage): boolean {
    // The two have to be in one slot. Rolled, or with a clock that is set back, they may go different ways.
    if (this.#config.timerRollWindowSlot !== NEVER_ROLLS || this.#counts.back > 0) return false
    const isKept = recall.isAcknowledged && recall.inTime && !recall.isLost
    return isKept && record.physicalOffset >= recall.physicalEnd
  }

  protected async finish(): Promise<void> {
    await this.untilHealedFor(ALL_COME_WITHIN_MS)
    const broker = this.running
    assert.ok(broker !== undefined, 'the broker runs')
    this.#checkAllCame(this.#delivered(broker.store))
    void this.stopOrderly()
    await this.until(this.world.time + 60_000)
    assert.ok(this.running !== undefined, 'the broker runs again')
    this.#checkAllCame(this.#delivered(this.running.store))
  }

  #checkAllCame(found: ReadonlySet<string>): void {
    for (const { id, isAcknowledged, isLost, recall } of this.#sent.values()) {
      if (isAcknowledged && !isLost && recall === undefined) {
        assert.ok(found.has(id), `${id} has not come`)
      }
    }
  }

  protected figures(): DelayedFigures {
    const all = [...this.#sent.values()].filter(({ isAcknowledged }) => isAcknowledged)
    const { deaths, disk } = this.node
    const { acknowledged, recalled, lost, stops, back, forward, refused } = this.#counts
    return {
      acknowledged,
      byLevel: all.filter(({ delayMs }) => delayMs !== undefined).length,
      byTime: all.filter(({ dueMs }) => dueMs !== undefined).length,
      delivered: this.running === undefined ? 0 : this.#delivered(this.running.store).size,
      recalled,
      lost,
      deaths: deaths.killed + deaths.powerCuts,
      powerCuts: deaths.powerCuts,
      stops,
      jumpsBack: back,
      jumpsForward: forward,
      refused,
      syncsFailed: disk.struck.syncs,
      writesFailed: disk.struck.writes + disk.struck.full,
      steps: this.world.steps,
    }
  }
}

const notStored: Stored = { isAcknowledged: false, isOnDisk: false, isLost: false, physicalEnd: -1 }

function messageOf(
  { id, topic, queueId }: Waiting,
  properties: Readonly<Record<string, string>>,
  bornTimestamp: number,
  waitStoreOk: boolean,
): MessageToStore {
  return {
    topic,
    queueId,
    flag: 0,
    sysFlag: 0,
    bornTimestamp,
    bornHost: Uint8Array.of(10, 0, 0, 1),
    bornPort: 50_000,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(`body of ${id}`),
    properties: Buffer.from(formatProperties(properties)),
    tagsCode: 0,
    waitStoreOk,
  }
}
