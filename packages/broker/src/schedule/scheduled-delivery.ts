import { hostErrorCode, type Env, type Timer } from '@skylarkmq/env'
import {
  decodeProperties,
  decodeRecord,
  delayOffsetTableBody,
  Property,
  SystemTopic,
  type DecodedMessage,
} from '@skylarkmq/protocol'
import {
  delaysOfLevels,
  DeliveredBefore,
  isStored,
  isUnfit,
  messageAgain,
  OnceFlushed,
  UnflushedDeliveries,
  type MessageStore,
  type MessageToStore,
  type QueueUnit,
} from '@skylarkmq/store'
import { deliveryFailed } from '../events.ts'
import { JsonFile } from '../json-table.ts'
import { tagsCodeOf } from '../send/tags-code.ts'
import { VersionCounter } from '../data-version.ts'
import { ClockJumps, JUMP_MS } from './clock-jumps.ts'
import { delayDeliveryKey, deliveredKeyOf } from './delivered-key.ts'

/** Messages delivered in one turn, so that others get theirs. */
const BATCH_MAX = 256
const RETRY_MS = 1_000
/** The wall clock may jump, so it is looked at again after this while somebody waits. */
const LOOK_MS = 1_000
/** While nothing is delivered, what a start after a crash would have to read is kept below this. */
const IDLE_LOG_BYTES = 32 * 1024 * 1024

/** The table as it was at one moment. */
interface Snapshot {
  readonly content: object
  readonly commitLogOffset: number
}

/** A delivery: of which level, its offset in that queue, and where it ends in the log. */
interface LevelDelivery {
  readonly level: number
  readonly offset: number
  readonly writtenEnd: number
}

/** Hears of each message that was delivered. */
type DeliveryListener = (topic: string, sizeBytes: number) => void

/**
 * Gives delayed messages to the topic they were sent to once their level's time has passed. Each level is
 * a queue of SCHEDULE_TOPIC_XXXX in which messages fall due in order; its progress is saved in
 * config/delayOffset.json, and after a crash the log tells what was delivered since.
 * Apache: `ScheduleMessageService.java`, which looks at each level ten times a second; here one timer
 * waits for the next that falls due.
 */
export class ScheduledDelivery {
  readonly #env: Env
  readonly #store: MessageStore
  readonly #delays: readonly number[]
  readonly #delivered: DeliveryListener
  /** Next offset of each level's queue. */
  readonly #offsets = new Map<number, number>()
  readonly #version: VersionCounter
  readonly #file: JsonFile
  readonly #jumps: ClockJumps
  #isChanged = false
  /** The commit log's offset in the file; undefined when another broker wrote it, or nobody did. */
  #savedLogOffset: number | undefined
  readonly #snapshot = new OnceFlushed<Snapshot>()
  /** Deliveries before a crash that the table does not know of; undefined once all is behind. */
  #before: DeliveredBefore | undefined
  readonly #beforeEnds = new Map<number, number>()
  #timer: Timer | undefined
  #isWatching = false
  #timerAtMs = Infinity
  #isRunning = false
  /** The deliveries that are under way, and where they end in the log. */
  #puts: LevelDelivery[] = []
  /** Deliveries that were not on disk when looked at last. */
  readonly #notOnDisk = new UnflushedDeliveries<LevelDelivery>()
  /** End of the log before them. */
  #inFlightFrom: number | undefined

  /** Reads the progress file. Throws ERR_BROKER_CONFIG_FILE. */
  constructor(
    env: Env,
    store: MessageStore,
    path: string,
    levels: string,
    delivered: DeliveryListener = () => undefined,
  ) {
    this.#env = env
    this.#store = store
    this.#delivered = delivered
    this.#delays = delaysOfLevels(levels)
    this.#version = new VersionCounter(env)
    this.#jumps = new ClockJumps(env.clock, store.commitLogOffsetMax)
    this.#file = new JsonFile(env, path)
    const content = this.#file.load(delayOffsetTableBody)
    if (content?.dataVersion !== undefined) this.#version.restore(content.dataVersion)
    this.#savedLogOffset = content?.commitLogOffset
    for (const [level, offset] of content?.offsetTable ?? []) this.#offsets.set(level, offset)
  }

  /** The highest level; a higher one counts as this. */
  get levelMax(): number {
    return this.#delays.length
  }

  /** Progress by level: the next offset, and the queue's end. Levels that never had a message are left out. */
  progress(): { level: number; offset: number; offsetMax: number }[] {
    const found: { level: number; offset: number; offsetMax: number }[] = []
    for (let level = 1; level <= this.levelMax; level++) {
      const offset = this.#offsets.get(level)
      const offsetMax = this.#store.offsetMax(SystemTopic.SCHEDULE, level - 1)
      if (offset !== undefined || offsetMax > 0)
        found.push({ level, offset: offset ?? 0, offsetMax })
    }
    return found
  }

  /** The table as config/delayOffset.json has it. */
  get offsets(): ReadonlyMap<number, number> {
    return this.#offsets
  }

  /** Begins to deliver. Throws the host's error when the log cannot be read. */
  start(): void {
    this.#isRunning = true
    for (let level = 1; level <= this.levelMax; level++) this.#clamp(level)
    // After an orderly stop that is the end of the log, unless it came soon after a crash.
    if (this.#savedLogOffset !== undefined) this.#findDelivered()
    this.#watch()
    this.#wakeAt(0)
  }

  /** Follows the log from the first start on, also when it has stopped: a cut takes back what was delivered. */
  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#store.watch({
      arrived: ({ topic, queueId, storeTimestamp, physicalOffset, sizeBytes }) => {
        if (topic !== SystemTopic.SCHEDULE) return
        this.#jumps.arrived(storeTimestamp, physicalOffset, sizeBytes)
        this.#wakeAt(storeTimestamp + this.#delayOf(queueId + 1))
      },
      cut: (logEnd) => {
        this.#logCut(logEnd)
      },
    })
  }

  /** What was delivered behind the end of a log that was cut is to be delivered once more. */
  #logCut(logEnd: number): void {
    for (const { level, offset } of this.#notOnDisk.cut(logEnd)) {
      this.#offsets.set(level, Math.min(offset, this.#offsets.get(level) ?? 0))
    }
    for (let level = 1; level <= this.levelMax; level++) this.#clamp(level)
    // The progress that waits for the disk counts what is gone.
    this.#snapshot.forget()
    this.#isChanged = true
    this.#wakeAt(0)
  }

  /** Delivers no more, until it is started again. Save once the store is shut. */
  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
    this.#timerAtMs = Infinity
  }

  /**
   * Saves the progress as it was at the last call, once what was delivered by then is on disk. Throws the host's
   * error; then it is saved with a later call.
   */
  save(): void {
    if (this.#mayComeAgain()) return
    const snapshot = this.#snapshot.ready(this.#store.flushedOffset)
    if (snapshot !== undefined) {
      this.#file.save(snapshot.content)
      this.#savedLogOffset = snapshot.commitLogOffset
      this.#snapshot.forget()
    }
    const growth = this.#store.commitLogOffsetMax - (this.#savedLogOffset ?? 0)
    const isFar = this.#savedLogOffset !== undefined && growth > IDLE_LOG_BYTES
    if (!this.#snapshot.isWaiting && (this.#isChanged || isFar)) {
      this.#snapshot.keep(this.#takeSnapshot(), this.#store.commitLogOffsetMax)
      this.#isChanged = false
    }
  }

  /** Saves the progress after the store was shut. Throws the host's error. */
  saveLast(): void {
    if (this.#mayComeAgain()) return
    const logEnd = this.#store.commitLogOffsetMax
    const isCurrent = this.#savedLogOffset === undefined || this.#savedLogOffset === logEnd
    if (!this.#isChanged && !this.#snapshot.isWaiting && isCurrent) return
    // What is not on disk may be lost, and is to be delivered once more.
    if (this.#store.flushedOffset < logEnd) return
    this.#file.save(this.#takeSnapshot().content)
  }

  #takeSnapshot(): Snapshot {
    const commitLogOffset = this.#inFlightFrom ?? this.#store.commitLogOffsetMax
    const content = {
      dataVersion: this.#version.value,
      offsetTable: Object.fromEntries(this.#offsets),
      commitLogOffset,
    }
    return { content, commitLogOffset }
  }

  /** Before the first delivery a start after a crash must find from where to look. Throws the host's error. */
  #saveFirst(): void {
    if (this.#savedLogOffset !== undefined) return
    // What is not on disk may be gone after a crash, and others may be in its place.
    const commitLogOffset = this.#store.flushedOffset
    this.#file.save({ ...this.#takeSnapshot().content, commitLogOffset })
    this.#savedLogOffset = commitLogOffset
  }

  #findDelivered(): void {
    const before = new DeliveredBefore()
    this.#store.scanFrom(this.#savedLogOffset ?? 0, (record) => {
      const key = deliveredKeyOf(record)
      if (key !== undefined) before.found(key)
    })
    if (before.isEmpty) return
    this.#before = before
    for (let level = 1; level <= this.levelMax; level++) {
      this.#beforeEnds.set(level, this.#store.offsetMax(SystemTopic.SCHEDULE, level - 1))
    }
  }

  /** Whether something that was delivered before the crash may come again: then the table of before is the one to go by. */
  #mayComeAgain(): boolean {
    if (this.#before === undefined) return false
    const ends = [...this.#beforeEnds]
    const isPast = ends.every(([level, end]) => (this.#offsets.get(level) ?? 0) >= end)
    // A delivery that is under way is not counted before the log has it.
    if (this.#inFlightFrom === undefined && (isPast || this.#before.isEmpty)) {
      this.#before = undefined
    }
    return this.#before !== undefined
  }

  /** Whether a message was delivered before a crash. Each delivery counts once. */
  #wasDelivered(level: number, offset: number, message: MessageToStore): boolean {
    const before = this.#before
    if (before === undefined || offset >= (this.#beforeEnds.get(level) ?? 0)) return false
    const { topic, properties, reconsumeTimes } = message
    return before.take(delayDeliveryKey(topic, Buffer.from(properties), reconsumeTimes))
  }

  #delayOf(level: number): number {
    return this.#delays[level - 1] ?? 0
  }

  /** A queue that was cut, or whose beginning is gone, takes its progress along. */
  #clamp(level: number): void {
    const queueId = level - 1
    const max = this.#store.offsetMax(SystemTopic.SCHEDULE, queueId)
    const min = this.#store.offsetMin(SystemTopic.SCHEDULE, queueId)
    const offset = this.#offsets.get(level)
    if (offset === undefined && max === 0) return
    this.#offsets.set(level, Math.min(max, Math.max(min, offset ?? 0)))
  }

  #wakeAt(atMs: number): void {
    if (!this.#isRunning || this.#timerAtMs <= atMs) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    const ms = Math.min(LOOK_MS, Math.max(0, atMs - this.#env.clock.now()))
    this.#timer = this.#env.clock.after(ms, () => {
      this.#timerAtMs = Infinity
      this.#deliver()
    })
  }

  #deliver(): void {
    if (!this.#isRunning || this.#inFlightFrom !== undefined) return
    const done = new Map<number, number>()
    const logEnd = this.#store.commitLogOffsetMax
    this.#jumps.look()
    let nextMs = Infinity
    for (let level = 1; level <= this.levelMax; level++) {
      const { offset, dueMs } = this.#deliverLevel(level)
      if (offset !== (this.#offsets.get(level) ?? 0)) done.set(level, offset)
      nextMs = Math.min(nextMs, dueMs)
    }
    if (done.size === 0) {
      this.#wakeAt(nextMs)
      return
    }
    // Progress counts once the log has the messages.
    this.#inFlightFrom = logEnd
    this.#env.turn.sends((failure) => {
      this.#inFlightFrom = undefined
      this.#advance(done, failure === undefined ? Infinity : this.#store.commitLogOffsetWritten)
      this.#wakeAt(failure === undefined ? nextMs : this.#env.clock.now() + RETRY_MS)
    })
  }

  /** Counts what the log has up to `written`; what comes behind in its level is to be delivered once more. */
  #advance(done: ReadonlyMap<number, number>, written: number): void {
    const isMissing = (level: number): number | undefined =>
      this.#puts.find((put) => put.level === level && put.writtenEnd > written)?.offset
    for (const [level, offset] of done) this.#offsets.set(level, isMissing(level) ?? offset)
    const there = this.#puts.filter(({ writtenEnd }) => writtenEnd <= written)
    this.#notOnDisk.written(there, this.#store.flushedOffset)
    this.#puts = []
    this.#version.next()
    this.#isChanged = true
  }

  /** Puts what is due into its topic; returns the next offset, and when to look again. */
  #deliverLevel(level: number): { offset: number; dueMs: number } {
    const queueId = level - 1
    const max = this.#store.offsetMax(SystemTopic.SCHEDULE, queueId)
    let offset = this.#offsets.get(level) ?? this.#store.offsetMin(SystemTopic.SCHEDULE, queueId)
    const now = this.#env.clock.now()
    for (let count = 0; offset < max; count++, offset++) {
      if (count === BATCH_MAX) return { offset, dueMs: now }
      const dueMs = this.#tryOne(level, offset, now)
      if (dueMs > now) return { offset, dueMs }
    }
    return { offset, dueMs: Infinity }
  }

  #tryOne(level: number, offset: number, now: number): number {
    try {
      return this.#deliverOne(level, offset, now)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#env.events.emit(deliveryFailed, { topic: SystemTopic.SCHEDULE, reason: String(error) })
      return now + RETRY_MS
    }
  }

  /** Delivers a message; when it is not to be delivered now, returns when to look again, else `now`. */
  #deliverOne(level: number, offset: number, now: number): number {
    const unit = this.#store.queueUnitAt(SystemTopic.SCHEDULE, level - 1, offset)
    if (unit === undefined) return now
    // A time further off than the level allows comes from a clock that was set back before the start.
    const farthestMs = now + this.#delayOf(level) + JUMP_MS
    if (this.#dueMs(level, unit) > farthestMs) this.#findJump(level, offset, now)
    const dueMs = this.#dueMs(level, unit)
    if (dueMs > now) return dueMs
    return this.#put(level, offset, unit) ? now : now + RETRY_MS
  }

  #dueMs(level: number, unit: QueueUnit): number {
    return unit.tagsCode - this.#jumps.backMs(level, unit.physicalOffset)
  }

  /** The messages from an offset on that were stored before the clock was set back, each with the time of then. */
  #findJump(level: number, offset: number, now: number): void {
    const delayMs = this.#delayOf(level)
    const max = this.#store.offsetMax(SystemTopic.SCHEDULE, level - 1)
    let lastMs = now
    let logEnd = 0
    for (; offset < max; offset++) {
      const unit = this.#store.queueUnitAt(SystemTopic.SCHEDULE, level - 1, offset)
      if (unit === undefined) continue
      const storedMs = this.#dueMs(level, unit) - delayMs
      if (storedMs <= now || storedMs < lastMs - JUMP_MS) break
      lastMs = storedMs
      logEnd = unit.physicalOffset + unit.sizeBytes
    }
    this.#jumps.found(level, logEnd, lastMs - now)
  }

  /** False when the store did not take the message and it is to be tried again. */
  #put(level: number, offset: number, { physicalOffset, sizeBytes }: QueueUnit): boolean {
    const record = this.#store.recordAt(physicalOffset, sizeBytes)
    if (record === undefined) return true
    const message = dueMessage(decodeRecord(record))
    if (message === undefined || this.#wasDelivered(level, offset, message)) return true
    this.#saveFirst()
    const result = this.#store.putMessage(message)
    if (result instanceof Promise) return true
    if (isStored(result.status)) {
      this.#puts.push({ level, offset, writtenEnd: result.physicalOffset + result.sizeBytes })
      this.#delivered(message.topic, result.sizeBytes)
      return true
    }
    const reason = result.remark ?? result.status
    this.#env.events.emit(deliveryFailed, { topic: message.topic, reason })
    // What cannot be stored as it is would hold up all that comes behind it.
    return isUnfit(result.status)
  }
}

/** A delayed message as its own topic gets it; undefined when it does not say which that is. */
function dueMessage(record: DecodedMessage): MessageToStore | undefined {
  const properties = decodeProperties(record.properties)
  const topic = properties.get(Property.REAL_TOPIC)
  const queueId = Number(properties.get(Property.REAL_QID))
  if (topic === undefined || topic === SystemTopic.TRANS_HALF || !Number.isInteger(queueId)) {
    return undefined
  }
  return messageAgain(record, {
    topic,
    queueId,
    preparedTransactionOffset: record.preparedTransactionOffset,
    // As in Apache, the stored message still shows that and how long it was delayed.
    properties: record.properties,
    tagsCode: tagsCodeOf(properties),
  })
}
