import type { Env, Timer } from '@skylarkmq/env'
import {
  decodeProperties,
  decodeRecord,
  Property,
  SystemTopic,
  type DecodedMessage,
} from '@skylarkmq/protocol'
import type { MessageStore, MessageToStore } from '@skylarkmq/store'
import { deliveryFailed } from '../events.ts'
import { JsonFile, SavedTable } from '../json-table.ts'
import { isStored } from '../response-of-status.ts'
import { tagsCodeOf } from '../send/tags-code.ts'
import { VersionCounter } from '../data-version.ts'
import { DEFAULT_DELAY_LEVELS, parseDelayLevels } from './delay-level.ts'

/** Messages delivered in one turn, so that others get theirs. */
const BATCH_MAX = 256
const RETRY_MS = 1_000
const TIMER_MS_MAX = 60_000

/**
 * Gives delayed messages to the topic they were sent to once their level's time has passed. Each level is
 * a queue of SCHEDULE_TOPIC_XXXX in which messages fall due in order; its progress is saved in
 * config/delayOffset.json, so after a crash the last few seconds' messages come twice, never not at all.
 * Apache: `ScheduleMessageService.java`, which looks at each level ten times a second; here one timer
 * waits for the next that falls due.
 */
export class ScheduledDelivery {
  readonly #env: Env
  readonly #store: MessageStore
  readonly #delays: readonly number[]
  /** Next offset of each level's queue. */
  readonly #offsets = new Map<number, number>()
  readonly #version: VersionCounter
  readonly #saved: SavedTable
  #timer: Timer | undefined
  #timerAtMs = Infinity
  #isRunning = false
  #isBusy = false

  /** Reads the progress file. Throws ERR_BROKER_CONFIG_FILE. */
  constructor(env: Env, store: MessageStore, path: string, levels: string) {
    this.#env = env
    this.#store = store
    this.#delays = parseDelayLevels(levels) ?? parseDelayLevels(DEFAULT_DELAY_LEVELS) ?? [0]
    this.#version = new VersionCounter(env)
    const file = new JsonFile(env, path)
    this.#saved = new SavedTable(file, () => ({
      dataVersion: this.#version.value,
      offsetTable: Object.fromEntries(this.#offsets),
    }))
    const content = file.load() as { offsetTable?: Record<string, number> } | undefined
    for (const [level, offset] of Object.entries(content?.offsetTable ?? {})) {
      this.#offsets.set(Number(level), offset)
    }
  }

  /** The highest level; a higher one counts as this. */
  get levelMax(): number {
    return this.#delays.length - 1
  }

  /** Progress by level: the next offset, and the queue's end. */
  progress(): { level: number; offset: number; offsetMax: number }[] {
    return [...this.#offsets].map(([level, offset]) => ({
      level,
      offset,
      offsetMax: this.#store.offsetMax(SystemTopic.SCHEDULE, level - 1),
    }))
  }

  /** The table as config/delayOffset.json has it. */
  get offsets(): ReadonlyMap<number, number> {
    return this.#offsets
  }

  /** Begins to deliver. */
  start(): void {
    this.#isRunning = true
    for (let level = 1; level <= this.levelMax; level++) this.#clamp(level)
    this.#store.onArrival((topic, queueId, _nextOffset, _tagsCode, storeTimestamp) => {
      if (topic === SystemTopic.SCHEDULE) this.#wakeAt(storeTimestamp + this.#delayOf(queueId + 1))
    })
    this.#wakeAt(0)
  }

  /** Delivers no more, and saves the progress. */
  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
    this.save()
  }

  /** Saves the progress if there was any. */
  save(): void {
    this.#saved.save()
  }

  #delayOf(level: number): number {
    return this.#delays[level] ?? 0
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
    const ms = Math.min(TIMER_MS_MAX, Math.max(0, atMs - this.#env.clock.now()))
    this.#timer = this.#env.clock.after(ms, () => {
      this.#timerAtMs = Infinity
      this.#deliver()
    })
  }

  #deliver(): void {
    if (!this.#isRunning || this.#isBusy) return
    const done = new Map<number, number>()
    let nextMs = this.#env.clock.now() + TIMER_MS_MAX
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
    this.#isBusy = true
    this.#env.turn.sends((failure) => {
      this.#isBusy = false
      if (failure === undefined) this.#advance(done)
      this.#wakeAt(failure === undefined ? nextMs : this.#env.clock.now() + RETRY_MS)
    })
  }

  #advance(done: ReadonlyMap<number, number>): void {
    for (const [level, offset] of done) this.#offsets.set(level, offset)
    this.#version.next()
    this.#saved.changed()
  }

  /** Puts what is due into its topic; returns the next offset, and when to look again. */
  #deliverLevel(level: number): { offset: number; dueMs: number } {
    const queueId = level - 1
    const max = this.#store.offsetMax(SystemTopic.SCHEDULE, queueId)
    let offset = this.#offsets.get(level) ?? this.#store.offsetMin(SystemTopic.SCHEDULE, queueId)
    const now = this.#env.clock.now()
    for (let count = 0; offset < max; count++, offset++) {
      if (count === BATCH_MAX) return { offset, dueMs: now }
      const unit = this.#store.queueUnitAt(SystemTopic.SCHEDULE, queueId, offset)
      if (unit === undefined) continue
      // A time further off than the level allows comes from a clock that jumped.
      const dueMs = unit.tagsCode > now + this.#delayOf(level) ? now : unit.tagsCode
      if (dueMs > now) return { offset, dueMs }
      if (!this.#put(unit.physicalOffset, unit.sizeBytes)) return { offset, dueMs: now + RETRY_MS }
    }
    return { offset, dueMs: Infinity }
  }

  /** False when the store did not take the message and it is to be tried again. */
  #put(physicalOffset: number, sizeBytes: number): boolean {
    const record = this.#store.recordAt(physicalOffset, sizeBytes)
    if (record === undefined) return true
    const message = dueMessage(decodeRecord(record))
    if (message === undefined) return true
    const result = this.#store.putMessage(message)
    if (result instanceof Promise) return true
    if (isStored(result.status)) return true
    this.#env.events.emit(deliveryFailed, {
      topic: message.topic,
      reason: result.remark ?? result.status,
    })
    return false
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
  return {
    topic,
    queueId,
    flag: record.flag,
    sysFlag: record.sysFlag,
    bornTimestamp: record.bornTimestamp,
    bornHost: record.bornHost,
    bornPort: record.bornPort,
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: record.preparedTransactionOffset,
    body: record.body,
    // As in Apache, the stored message still shows that and how long it was delayed.
    properties: record.properties,
    tagsCode: tagsCodeOf(properties),
    waitStoreOk: false,
  }
}
