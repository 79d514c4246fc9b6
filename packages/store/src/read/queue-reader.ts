import type { Env } from '@skylarkmq/env'
import type { CommitLog } from '../commitlog/commit-log.ts'
import {
  FILLER_SIZE,
  TAGS_CODE_MIN,
  unitPhysicalOffset,
  unitSize,
  unitTagsCode,
} from '../consumequeue/consume-queue-unit.ts'
import { offsetIn } from '../consumequeue/record-of-queue.ts'
import type { ConsumeQueue } from '../consumequeue/consume-queue.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { UnitsAhead } from './units-ahead.ts'
import { tagsCodeOfRecord } from '../dispatch/reput.ts'
import { recordDamaged } from '../events.ts'
import type { GetMessageLimits, GetMessageResult, MessageFilter } from '../message/message.ts'
import type { StoreConfig } from '../options.ts'
import { GetMessageStatus } from '../message/status.ts'

const PULL_BYTES_MAX = 128 * 1024 * 1024
const PULL_BYTES_MIN = 100
const UNITS_PER_READ = 64
const DAMAGED_MAX = 10_000
/**
 * Limit of concurrent readings from disk. Each holds its results so far and a block; fewer already keep the disk
 * busy.
 */
const COLD_READINGS_MAX = 256

/** One reading of a queue, which may pause for the disk. */
interface Reading {
  readonly queue: ConsumeQueue
  readonly filter: MessageFilter | undefined
  readonly maxCount: number
  readonly maxBytes: number
  /** Places from here on are left for the next reading. */
  readonly scanEnd: number
  status: GetMessageStatus
  /** The requested offset, and its place. */
  readonly offset: number
  readonly first: number
  /** Place of the next unit. */
  next: number
  count: number
  records: Buffer[]
  queueOffsets: number[]
  bytes: number
  coldBytes: number
  /** How many of the records are copies, which stay valid after the turn. */
  copied: number
  lastPhysical: number
  /** Messages before this physical offset are skipped: their file is gone. */
  skipBefore: number
}

/** A record that must be read from disk. */
interface Cold {
  readonly physicalOffset: number
  readonly sizeBytes: number
}

/** Reads messages of one queue, from the queue's units to the records in the log. Apache: `DefaultMessageStore.java`, getMessage. */
export class QueueReader {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #damaged = new Set<number>()
  readonly #queues: ConsumeQueueTable
  readonly #log: CommitLog
  readonly #ahead = new UnitsAhead()
  /** Number of readings that wait for the disk. */
  #coldReadings = 0
  /** Readings that start when one of them ends. */
  readonly #later: (() => void)[] = []

  constructor(env: Env, config: StoreConfig, queues: ConsumeQueueTable, log: CommitLog) {
    this.#env = env
    this.#config = config
    this.#queues = queues
    this.#log = log
  }

  get(
    topic: string,
    queueId: number,
    offset: number,
    limits: GetMessageLimits,
    filter: MessageFilter | undefined,
  ): GetMessageResult | Promise<GetMessageResult> {
    const queue = this.#queues.get(topic, queueId)
    if (queue === undefined) return nothing(GetMessageStatus.NO_MATCHED_LOGIC_QUEUE, 0, 0, 0)
    const { offsetMin, offsetMax } = queue
    const outside = outsideOf(offset, offsetMin, offsetMax)
    if (outside !== undefined) return nothing(outside.status, outside.next, offsetMin, offsetMax)
    const { unitBytes } = queue
    const first = queue.placeOf(offset)
    const scanBytes = Math.max(this.#config.maxFilterMessageSize, limits.maxCount * unitBytes)
    const maxBytes = Math.max(limits.maxBytes ?? PULL_BYTES_MAX, PULL_BYTES_MIN)
    const reading: Reading = {
      queue,
      filter,
      maxCount: limits.maxCount,
      maxBytes: Math.min(maxBytes, PULL_BYTES_MAX),
      scanEnd: Math.min(queue.placeEnd, first + Math.ceil(scanBytes / unitBytes)),
      status: GetMessageStatus.NO_MATCHED_MESSAGE,
      offset,
      first,
      next: first,
      count: 0,
      records: [],
      queueOffsets: [],
      bytes: 0,
      coldBytes: 0,
      copied: 0,
      lastPhysical: 0,
      skipBefore: -1,
    }
    const cold = this.#collect(reading)
    if (cold === undefined) return this.#resultOf(reading)
    if (this.#coldReadings < COLD_READINGS_MAX) return this.#goOn(reading, cold)
    // The results so far are dropped.
    return new Promise<void>((resolve) => this.#later.push(resolve)).then(() => {
      const found = this.get(topic, queueId, offset, limits, filter)
      if (!(found instanceof Promise)) this.#later.shift()?.()
      return found
    })
  }

  async #goOn(reading: Reading, first: Cold): Promise<GetMessageResult> {
    this.#coldReadings++
    try {
      return await this.#readCold(reading, first)
    } finally {
      this.#coldReadings--
      this.#later.shift()?.()
    }
  }

  async #readCold(reading: Reading, first: Cold): Promise<GetMessageResult> {
    for (let cold: Cold | undefined = first; cold !== undefined;) {
      copyViews(reading)
      const record = await this.#log.load(cold.physicalOffset, cold.sizeBytes)
      if (record === undefined) {
        reading.next++
        this.#passOver(reading, cold.physicalOffset)
      }
      // Pass the record itself on, because its block may have been evicted by now.
      cold = this.#collect(reading, record)
    }
    return this.#resultOf(reading)
  }

  /** Collects messages until a limit is reached, or until one must be read from disk first. */
  #collect(reading: Reading, loaded?: Buffer): Cold | undefined {
    let ready = loaded
    while (reading.next < reading.scanEnd) {
      const wanted = Math.min(UNITS_PER_READ, reading.scanEnd - reading.next)
      const span = this.#ahead.units(reading.queue, reading.next, wanted)
      if (span === undefined) {
        reading.status = GetMessageStatus.OFFSET_FOUND_NULL
        reading.next = nextQueueFile(reading)
        return undefined
      }
      const first = reading.next
      for (let i = 0; i < span.count && reading.next === first + i; i++) {
        const at = span.at + i * reading.queue.unitBytes
        const cold = this.#take(reading, span.buffer, at, ready)
        if (cold === 'full') return undefined
        if (cold !== undefined) return cold
        ready = undefined
      }
    }
    return undefined
  }

  /** Takes or skips one unit. */
  #take(
    reading: Reading,
    units: Buffer,
    at: number,
    loaded: Buffer | undefined,
  ): Cold | 'full' | undefined {
    const physicalOffset = unitPhysicalOffset(units, at)
    const sizeBytes = unitSize(units, at)
    if (
      physicalOffset < reading.skipBefore ||
      (sizeBytes === FILLER_SIZE && physicalOffset === 0)
    ) {
      reading.next++
      return undefined
    }
    if (reading.filter?.isSpent === true && reading.next > reading.first) return 'full'
    const batch = reading.queue.batchIn?.(units, at)
    if (this.#isFull(reading, physicalOffset, sizeBytes, batch?.count ?? 1)) return 'full'
    let record = loaded ?? this.#log.near(physicalOffset, sizeBytes)
    const isKnown = record !== undefined || this.#log.isBelieved(physicalOffset, sizeBytes)
    if (!isKnown || sizeBytes <= 0) {
      // The host lost the unit; once it is rewritten, the reader gets it at the same offset.
      if (reading.bytes === 0) reading.status = GetMessageStatus.OFFSET_FOUND_NULL
      return 'full'
    }
    const { filter } = reading
    const tagsCode = filter === undefined ? 0 : unitTagsCode(units, at)
    const isCodeKnown = tagsCode >= TAGS_CODE_MIN
    if (filter !== undefined && isCodeKnown && !filter.matchesTagsCode(tagsCode)) {
      reading.lastPhysical = physicalOffset
      reading.next++
      return undefined
    }
    if (record === undefined && this.#isThere(physicalOffset, sizeBytes)) {
      record = this.#log.view(physicalOffset, sizeBytes)
      if (record === undefined) return { physicalOffset, sizeBytes }
    }
    reading.lastPhysical = physicalOffset
    const place = reading.next++
    if (record === undefined) this.#passOver(reading, physicalOffset)
    else if (!this.#isOf(reading, record, physicalOffset))
      this.#reportDamaged(reading, physicalOffset)
    else {
      if (this.#config.coldDataFlowControlEnable && this.isCold(physicalOffset))
        reading.coldBytes += sizeBytes
      if (matches(filter, record, isCodeKnown)) {
        add(reading, record, batch?.baseOffset ?? place, batch?.count ?? 1)
      }
    }
    return undefined
  }

  /** Whether a record is intact and belongs to the unit. Records that this process stored need no check. */
  #isOf({ queue }: Reading, record: Buffer, physicalOffset: number): boolean {
    if (this.#log.isOwn(physicalOffset)) return true
    if (!this.#log.isSound(record, physicalOffset)) return false
    return typeof offsetIn(queue, record, record.length) === 'number'
  }

  /** Skips a damaged message, so that nobody gets a message that was never sent. Reported once for each. */
  #reportDamaged({ queue: { topic, queueId } }: Reading, offset: number): void {
    if (this.#damaged.has(offset)) return
    if (this.#damaged.size < DAMAGED_MAX) this.#damaged.add(offset)
    this.#env.events.emit(recordDamaged, { topic, queueId, offset })
  }

  #isThere(physicalOffset: number, sizeBytes: number): boolean {
    return physicalOffset >= this.#log.offsetMin && this.#log.has(physicalOffset, sizeBytes)
  }

  #passOver(reading: Reading, physicalOffset: number): void {
    if (reading.bytes === 0) reading.status = GetMessageStatus.MESSAGE_WAS_REMOVING
    reading.skipBefore = this.#log.segments.nextFileOffset(physicalOffset)
  }

  /** Apache: `DefaultMessageStore.java`, isTheBatchFull. The first message is taken whatever its size. */
  #isFull(
    { count, bytes: found, maxCount, maxBytes }: Reading,
    physicalOffset: number,
    sizeBytes: number,
    unitCount: number,
  ): boolean {
    if (count === 0) return false
    if (count + unitCount > maxCount || found + sizeBytes > maxBytes) return true
    const config = this.#config
    const bytes = found + sizeBytes
    if (this.isInMemory(physicalOffset)) {
      return (
        bytes > config.maxTransferBytesOnMessageInMemory ||
        count >= config.maxTransferCountOnMessageInMemory
      )
    }
    return (
      bytes > config.maxTransferBytesOnMessageInDisk ||
      count >= config.maxTransferCountOnMessageInDisk
    )
  }

  /** Whether the record is so close to the end of the log that the host has probably kept it in memory. */
  isInMemory(physicalOffset: number): boolean {
    return this.#log.offsetMax - physicalOffset <= this.#memoryBytes()
  }

  /**
   * Whether the record is so far behind the end of the log that it must come from disk.
   * Apache: `DefaultMessageStore.java`, checkInColdAreaByCommitOffset.
   */
  isCold(physicalOffset: number): boolean {
    const { physicalMemoryBytes, accessMessageInMemoryHotRatio } = this.#config
    const hotBytes = (physicalMemoryBytes * accessMessageInMemoryHotRatio) / 100
    return this.#log.offsetMax - physicalOffset > hotBytes
  }

  #memoryBytes(): number {
    return (this.#config.physicalMemoryBytes * this.#config.accessMessageInMemoryMaxRatio) / 100
  }

  #resultOf(reading: Reading): GetMessageResult {
    return {
      status: reading.status,
      nextBeginOffset: nextOffset(reading),
      offsetMin: reading.queue.offsetMin,
      offsetMax: reading.queue.offsetMax,
      records: reading.records,
      queueOffsets: reading.queueOffsets,
      count: reading.count,
      bytes: reading.bytes,
      coldBytes: reading.coldBytes,
      suggestPullingFromSlave: this.#log.offsetMax - reading.lastPhysical > this.#memoryBytes(),
    }
  }
}

/** The offset to ask for next: the first unit that was not taken. */
function nextOffset({ queue, offset, first, next }: Reading): number {
  return next === first ? offset : queue.offsetAt(next)
}

function nextQueueFile({ queue: { unitsPerFile }, next }: Reading): number {
  return next + unitsPerFile - (next % unitsPerFile)
}

function add(reading: Reading, record: Buffer, queueOffset: number, count: number): void {
  reading.count += count
  reading.records.push(record)
  reading.queueOffsets.push(queueOffset)
  reading.bytes += record.length
  reading.status = GetMessageStatus.FOUND
  reading.skipBefore = -1
}

/** Copies the results so far, which are views of memory that later turns reuse. */
function copyViews(reading: Reading): void {
  const { records } = reading
  for (let i = reading.copied; i < records.length; i++) {
    records[i] = Buffer.from(records[i] as Buffer)
  }
  reading.copied = records.length
}

function matches(filter: MessageFilter | undefined, record: Buffer, isCodeKnown: boolean): boolean {
  if (filter === undefined) return true
  if (!isCodeKnown && !filter.matchesTagsCode(tagsCodeOfRecord(record))) return false
  return filter.matchesRecord === undefined || filter.matchesRecord(record)
}

/** The result for an offset without a readable message; undefined when it has one. */
function outsideOf(
  offset: number,
  min: number,
  max: number,
): { status: GetMessageStatus; next: number } | undefined {
  if (max === 0) return { status: GetMessageStatus.NO_MESSAGE_IN_QUEUE, next: 0 }
  if (offset < min) return { status: GetMessageStatus.OFFSET_TOO_SMALL, next: min }
  if (offset === max) return { status: GetMessageStatus.OFFSET_OVERFLOW_ONE, next: offset }
  if (offset > max) return { status: GetMessageStatus.OFFSET_OVERFLOW_BADLY, next: max }
  return undefined
}

function nothing(
  status: GetMessageStatus,
  nextBeginOffset: number,
  offsetMin: number,
  offsetMax: number,
): GetMessageResult {
  return {
    status,
    nextBeginOffset,
    offsetMin,
    offsetMax,
    records: [],
    queueOffsets: [],
    count: 0,
    bytes: 0,
    coldBytes: 0,
    suggestPullingFromSlave: false,
  }
}
