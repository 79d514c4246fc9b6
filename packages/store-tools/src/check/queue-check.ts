import type { Disk } from '@skylarkmq/env'
import { RecordAt, readInt, readLong, recordStoreTimestamp } from '@skylarkmq/protocol'
import type { RecordSpans } from '@skylarkmq/protocol'
import {
  LMQ_QUEUE_ID,
  OpenFiles,
  TAGS_CODE_MIN,
  allowsLightQueues,
  batchCount,
  hasQueueUnit,
  isBatchRecord,
  lightPlaces,
  tagsCodeOf,
  unitBytesOf,
} from '@skylarkmq/store/internals'
import type { FoundSegment } from '@skylarkmq/store/internals'
import type { Findings } from './problem.ts'
import { QueueCursor } from './queue-cursor.ts'

const OPEN_FILES_MAX = 128
const NAMED_MAX = 10

/** What a check of the queues needs. */
export interface QueueCheckContext {
  readonly disk: Disk
  readonly consumeQueue: string
  /** Folder of the queues of batches. */
  readonly batchConsumeQueue: string
  /** First offset of the log, and where reading starts. */
  readonly logMin: number
  readonly readFrom: number
  /** False after a kill: then the last messages may be in the log only, and the next start adds them to the queues. */
  readonly isClean: boolean
  /** Topics of topics.json; undefined when the file is missing. */
  readonly topics: ReadonlySet<string> | undefined
  /** Queues, as `topic/queueId`, from which a group has consumed. */
  readonly readQueues: ReadonlySet<string>
  readonly delayLevels: readonly number[]
  /** Whether there are extended queues, in which case a tags code may be an address in one of them. */
  readonly hasExtended: boolean
  readonly findings: Findings
}

/** Consecutive records of a queue that have no unit. */
interface Run {
  count: number
  readonly firstOffset: number
  lastOffset: number
  readonly firstPhysical: number
  lastPhysical: number
}

/** A record's place in its queue. */
interface FoundRecord {
  readonly name: string
  readonly queueOffset: number
  readonly offset: number
  readonly sizeBytes: number
  readonly tagsCode: number
  readonly count: number
}

interface CheckedQueue {
  readonly cursor: QueueCursor
  /** Physical offset of the first message of this queue in the walk; Infinity before. */
  firstPhysical: number
  physicalEnd: number
  run: Run | undefined
  gaps: number
}

/** Compares every record with its unit and every unit with its record, in one walk along the log. */
export class QueueCheck {
  readonly #context: QueueCheckContext
  readonly #open: OpenFiles
  readonly #queues = new Map<string, CheckedQueue>()
  readonly #lost = new Map<string, Run & { readonly topic: string }>()
  readonly #ends = new Map<string, number>()
  #waiting = 0
  #deleted = 0
  /** By topic with queues: the position of its first message in the log. */
  readonly #begins = new Map<string, number>()
  /** Queues whose folder is missing although their topic has one. */
  readonly #remade: string[] = []
  /** Number of units that name a message which the log still has. */
  units = 0

  constructor(context: QueueCheckContext) {
    this.#context = context
    this.#open = new OpenFiles(context.disk, OPEN_FILES_MAX, 'read')
    this.#list()
  }

  get queueCount(): number {
    return this.#queues.size
  }

  #list(): void {
    const { consumeQueue, batchConsumeQueue } = this.#context
    this.#listFolder('consumequeue', consumeQueue, false)
    this.#listFolder('batchconsumequeue', batchConsumeQueue, true)
  }

  #listFolder(label: string, directory: string, isBatch: boolean): void {
    const { disk, findings } = this.#context
    let sizeBytes: number | undefined
    for (const topic of disk.list(directory)) {
      if (!topic.isDirectory) {
        findings.note(`${label}/${topic.name} is not the folder of a topic`)
        continue
      }
      for (const entry of disk.list(`${directory}/${topic.name}`)) {
        if (!entry.isDirectory || !/^\d{1,10}$/.test(entry.name)) {
          findings.note(`${label}/${topic.name}/${entry.name} is not the folder of a queue`)
          continue
        }
        const queue = this.#add(directory, topic.name, Number(entry.name), isBatch)
        sizeBytes ??= queue.cursor.files[0]?.sizeBytes
        checkFiles(queue.cursor, label, sizeBytes, findings)
      }
    }
  }

  #add(directory: string, topic: string, queueId: number, isBatch: boolean): CheckedQueue {
    const { disk, findings, readFrom, logMin } = this.#context
    const name = `${topic}/${queueId}`
    if (this.#queues.has(name)) {
      const what = 'there are queues of both forms; a start goes by the attributes of the topic'
      findings.report('queue-file', `queue ${name}`, what)
    }
    const emptyPlaces = (from: number, to: number): void => {
      const what = `${to - from} places from ${from} on have no unit, but later ones do`
      findings.report('queue-unit', `queue ${name}`, what)
    }
    const cursor = new QueueCursor(
      disk,
      this.#open,
      directory,
      topic,
      queueId,
      emptyPlaces,
      isBatch,
    )
    const queue = { cursor, firstPhysical: Infinity, physicalEnd: -1, run: undefined, gaps: 0 }
    this.#queues.set(name, queue)
    if (readFrom > logMin) cursor.skipFilesBefore(readFrom)
    return queue
  }

  /** Checks the next record of the log. */
  record(buffer: Buffer, at: number, offset: number, topic: string, spans: RecordSpans): void {
    const sysFlag = readInt(buffer, at + RecordAt.sysFlag)
    if (!hasQueueUnit(sysFlag)) return
    const { propertiesStart: start, propertiesEnd: end, sizeBytes } = spans
    const queueOffset = readLong(buffer, at + RecordAt.queueOffset)
    const name = `${topic}/${readInt(buffer, at + RecordAt.queueId)}`
    const tagsCode = this.#tagsCode(buffer, at, topic, spans)
    const queue = this.#queues.get(name)
    const isBatch = queue?.cursor.isBatch === true
    const found = { name, queueOffset, offset, sizeBytes, tagsCode, count: 1 }
    if (isBatch) found.count = batchCount(buffer, start, end)
    if (queue !== undefined && isBatch === (isBatch || isBatchRecord(sysFlag))) {
      this.#compare(queue, found)
    } else if (!isBatchRecord(sysFlag)) this.#noteLost(topic, found)
    if (!allowsLightQueues(topic)) return
    for (const place of lightPlaces(buffer, start, end)) {
      const lightName = `${place.name}/${LMQ_QUEUE_ID}`
      const light = this.#queues.get(lightName)
      const { queueOffset } = place
      // Such properties mean nothing in a store without light queues.
      if (light !== undefined)
        this.#compare(light, { ...found, name: lightName, queueOffset, count: 1 })
    }
  }

  #noteLost(topic: string, { name, queueOffset, offset }: FoundRecord): void {
    const run = this.#lost.get(name)
    if (run === undefined) this.#lost.set(name, { topic, ...newRun(queueOffset, 1, offset) })
    else extend(run, queueOffset, 1, offset)
  }

  #compare(queue: CheckedQueue, record: FoundRecord): void {
    const { name, queueOffset, offset, sizeBytes, tagsCode, count } = record
    this.#passUnitsBefore(queue, offset)
    const { unit } = queue.cursor
    if (unit?.physicalOffset !== offset || unit.isFiller) {
      if (queue.run === undefined) queue.run = newRun(queueOffset, count, offset)
      else extend(queue.run, queueOffset, count, offset)
      return
    }
    this.#closeRun(queue, unit.offset)
    queue.firstPhysical = Math.min(queue.firstPhysical, offset)
    queue.physicalEnd = offset + unit.sizeBytes
    this.units++
    const report = (what: string): void => {
      this.#context.findings.report('queue-unit', `unit ${unit.offset} of ${name}`, what)
    }
    if (unit.offset !== queueOffset) report(`names the message of offset ${queueOffset}`)
    if (unit.count !== count) report(`states ${unit.count} messages, but the batch has ${count}`)
    if (unit.sizeBytes !== sizeBytes) {
      report(`states ${unit.sizeBytes} bytes, but the message at ${offset} has ${sizeBytes}`)
    }
    // Lower codes are addresses in an extended queue, which is not read.
    if (unit.tagsCode >= TAGS_CODE_MIN || !this.#context.hasExtended) {
      if (tagsCode !== unit.tagsCode) {
        report(`has the tags code ${unit.tagsCode}, but its message has ${tagsCode}`)
      }
    }
    queue.cursor.next()
  }

  #tagsCode(buffer: Buffer, at: number, topic: string, spans: RecordSpans): number {
    const storeTimestamp = recordStoreTimestamp(buffer, at)
    const { propertiesStart: start, propertiesEnd: end } = spans
    return tagsCodeOf(topic, storeTimestamp, buffer, start, end, this.#context.delayLevels)
  }

  /** Units that name a place before `offset` should have been matched by now, unless their record expired. */
  #passUnitsBefore(queue: CheckedQueue, offset: number): void {
    const { cursor } = queue
    for (let { unit } = cursor; unit !== undefined; { unit } = cursor) {
      if (unit.isFiller) {
        if (queue.physicalEnd >= 0) queue.gaps++
      } else if (unit.physicalOffset >= offset) return
      else this.#passUnit(queue, unit)
      cursor.next()
    }
  }

  #passUnit(queue: CheckedQueue, unit: { offset: number; physicalOffset: number }): void {
    const { readFrom, findings } = this.#context
    const where = `unit ${unit.offset} of ${queue.cursor.name}`
    const { physicalOffset } = unit
    if (physicalOffset < queue.physicalEnd) {
      findings.report('queue-unit', where, `goes back to ${physicalOffset}`)
    } else if (physicalOffset >= readFrom && !findings.isDamaged(physicalOffset)) {
      const what = `names ${physicalOffset}, where no message of this queue begins`
      findings.report('queue-unit', where, what)
    }
    queue.physicalEnd = Math.max(queue.physicalEnd, physicalOffset)
  }

  /** Ends a run of records without units; `next` is the offset of the following unit. */
  #closeRun(queue: CheckedQueue, next: number): void {
    const { run } = queue
    if (run === undefined) return
    queue.run = undefined
    // Before the first unit they are remnants of a deleted topic, unless the numbering continues.
    if (queue.firstPhysical === Infinity && queue.physicalEnd < 0 && run.lastOffset !== next - 1) {
      this.#deleted += run.count
    } else this.#reportRun(queue.cursor.name, run)
  }

  #reportRun(name: string, run: Run): void {
    const offsets =
      run.count === 1
        ? `message ${run.firstOffset}, at ${run.firstPhysical} in the log, has`
        : `${run.count} messages, offsets ${run.firstOffset} to ${run.lastOffset}, from ${run.firstPhysical} on in the log, have`
    this.#context.findings.report('queue-unit', `queue ${name}`, `${offsets} no unit`)
  }

  /** Must be called after the last record; `logEnd` is the end of the log. */
  finish(logEnd: number): void {
    const { findings } = this.#context
    let gaps = 0
    for (const queue of this.#queues.values()) {
      this.#finishQueue(queue, logEnd)
      gaps += queue.gaps
    }
    const unitsEnd = [...this.#queues.values()].reduce(
      (end, queue) => Math.max(end, queue.physicalEnd),
      0,
    )
    for (const { cursor, firstPhysical } of this.#queues.values()) {
      const begins = Math.min(firstPhysical, this.#begins.get(cursor.topic) ?? Infinity)
      this.#begins.set(cursor.topic, begins)
    }
    for (const [name, run] of this.#lost) this.#finishLost(name, run, unitsEnd)
    this.#open.closeAll()
    if (this.#waiting > 0) {
      findings.note(
        `the last stop was not clean: ${this.#waiting} messages of the log are not in their queues yet; the next start adds them`,
      )
    }
    if (this.#deleted > 0) {
      findings.note(`${this.#deleted} messages of deleted topics remain`)
    }
    if (this.#remade.length > 0) {
      const names = this.#remade.slice(0, NAMED_MAX).join(', ')
      const more = this.#remade.length > NAMED_MAX ? ', …' : ''
      findings.note(
        `the log has messages of ${this.#remade.length} queues without a folder, although their topics have one: the topics were deleted and created again and got no messages since, or the folders were lost (${names}${more}); \`skylark store repair --all\` rebuilds them, with the old messages`,
      )
    }
    if (gaps > 0) {
      findings.note(`${gaps} offsets within queues have no message, which was lost at some time`)
    }
  }

  #finishQueue(queue: CheckedQueue, logEnd: number): void {
    const { cursor, run } = queue
    const { findings, isClean } = this.#context
    let behind = 0
    let firstBehind = 0
    for (let { unit } = cursor; unit !== undefined; { unit } = cursor) {
      if (!unit.isFiller && unit.physicalOffset + unit.sizeBytes > logEnd) {
        if (behind++ === 0) firstBehind = unit.offset
      } else if (!unit.isFiller) this.#passUnit(queue, unit)
      cursor.next()
    }
    const count = behind === 1 ? 'a unit names a place' : `${behind} units name places`
    if (behind > 0) {
      const what = `from ${firstBehind} on ${count} behind the end of the log`
      findings.report('queue-unit', `queue ${cursor.name}`, what)
    }
    this.#ends.set(cursor.name, cursor.end)
    if (run === undefined) return
    if (!isClean && run.firstOffset <= cursor.end) {
      this.#waiting += run.count
      this.#ends.set(cursor.name, Math.max(cursor.end, run.lastOffset + 1))
    } else this.#reportRun(cursor.name, run)
  }

  /**
   * Records whose queue has no folder: either the queue was lost, or its topic was deleted and perhaps created again.
   * The folders cannot tell which; but deleting a topic deletes its groups' offsets, so an existing offset means a
   * loss.
   */
  #finishLost(name: string, run: Run & { readonly topic: string }, unitsEnd: number): void {
    const { topics, findings, isClean, readQueues } = this.#context
    const begins = this.#begins.get(run.topic)
    if (!isClean && run.firstOffset === 0 && run.firstPhysical >= unitsEnd) {
      this.#waiting += run.count
      this.#ends.set(name, run.lastOffset + 1)
      return
    }
    const isOfTopic = topics?.has(run.topic)
    const hasNone = this.#queues.size === 0
    const isLost =
      begins !== undefined
        ? run.lastPhysical > begins
        : hasNone
          ? isOfTopic !== false
          : isOfTopic === true && readQueues.has(name)
    if (isLost) {
      const what = `the log has ${run.count} messages of it, from ${run.firstPhysical} on, but its folder is missing`
      findings.report('queue-missing', `queue ${name}`, what)
    } else if (begins === undefined && isOfTopic === true) this.#remade.push(name)
    else this.#deleted += run.count
  }

  /** Offset after the last message of a queue; undefined when there is no such queue. Valid after `finish`. */
  endOf(topic: string, queueId: number): number | undefined {
    return this.#ends.get(`${topic}/${queueId}`)
  }
}

function newRun(queueOffset: number, count: number, physicalOffset: number): Run {
  return {
    count: 1,
    firstOffset: queueOffset,
    lastOffset: queueOffset + count - 1,
    firstPhysical: physicalOffset,
    lastPhysical: physicalOffset,
  }
}

function extend(run: Run, queueOffset: number, count: number, physicalOffset: number): void {
  run.count++
  run.lastOffset = queueOffset + count - 1
  run.lastPhysical = physicalOffset
}

function checkFiles(cursor: QueueCursor, label: string, sizeBytes = 0, findings: Findings): void {
  const unitBytes = unitBytesOf(cursor.isBatch)
  let before: FoundSegment | undefined
  for (const file of cursor.files) {
    const where = `${label}/${cursor.name}`
    if (file.sizeBytes !== sizeBytes || sizeBytes % unitBytes !== 0) {
      const what = `file ${file.firstOffset} has ${file.sizeBytes} bytes, others ${sizeBytes}`
      findings.report('queue-file', where, what)
    }
    if (file.firstOffset % (sizeBytes || unitBytes) !== 0) {
      findings.report('queue-file', where, `no file begins at ${file.firstOffset}`)
    }
    if (before !== undefined && file.firstOffset !== before.firstOffset + before.sizeBytes) {
      findings.report('queue-file', where, `a file is missing before ${file.firstOffset}`)
    }
    before = file
  }
}
