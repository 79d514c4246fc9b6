import { printableJson, type Disk } from '@skylarkmq/env'
import {
  ProtocolError,
  decodeProperties,
  decodeRecord,
  hostText,
  readInt,
  readLong,
  restoreBody,
} from '@skylarkmq/protocol'
import {
  IndexFile,
  indexHeader,
  indexKeyHash,
  insideOf,
  isFiller,
  listSegments,
  readBatchPart,
  readCheckpoint,
  segmentName,
  unitBytesOf,
  unitPhysicalOffset,
  unitSize,
  unitTagsCode,
} from '@skylarkmq/store/internals'
import type { CheckpointValues, IndexSizes } from '@skylarkmq/store/internals'
import { nextRecord, walkLog } from '../check/log-walk.ts'

const PREVIEW_BYTES = 200
const FOUND_MAX = 1000
const RESTORED_BYTES_MAX = 16 * 1024 * 1024

/** A record of the log in readable form. */
export interface InspectedRecord {
  readonly physicalOffset: number
  readonly sizeBytes: number
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly sysFlag: number
  readonly flag: number
  readonly bornTimestamp: number
  readonly bornHost: string
  readonly storeTimestamp: number
  readonly storeHost: string
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  /** As stored, possibly compressed. */
  readonly bodyBytes: number
  /** The beginning of the body as text, safe for a terminal. */
  readonly bodyPreview: string
  readonly properties: Readonly<Record<string, string>>
}

/** The range of records to read. */
export interface RecordRange {
  /** Physical offset of the first record; if none begins there, the next one counts. */
  readonly from?: number
  /** End of the range. */
  readonly to?: number
  readonly count?: number
}

/**
 * Records of a store, from the first on. Continues behind damaged bytes. While a broker runs, the newest records may
 * be missing. Throws the host's error.
 */
export function inspectRecords(
  disk: Disk,
  directory: string,
  range: RecordRange = {},
): InspectedRecord[] {
  return readRecords(disk, `${directory}/commitlog`, range)
}

/** As `inspectRecords`, for the log in a folder. */
export function readRecords(disk: Disk, log: string, range: RecordRange = {}): InspectedRecord[] {
  const files = listSegments(disk, log).filter((file) => file.sizeBytes > 0)
  const { from, to = Infinity, count = Infinity } = range
  const records: InspectedRecord[] = []
  let reached = -1
  const start = from === undefined ? files[0]?.firstOffset : nextRecord(disk, log, files, from)
  if (start === undefined) return []
  walkLog(disk, log, files, start, {
    record: (buffer, at, offset) => {
      if (offset < to) records.push(inspectRecord(buffer, at))
      reached = offset
    },
    isDone: () => records.length >= count || reached >= to,
  })
  return records
}

/** One record in readable form. Returns a ProtocolError when there is none. */
function inspectRecord(buffer: Buffer, at = 0): InspectedRecord {
  const record = decodeRecord(buffer, at)
  return {
    physicalOffset: record.physicalOffset,
    sizeBytes: record.sizeBytes,
    topic: record.topic,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    sysFlag: record.sysFlag,
    flag: record.flag,
    bornTimestamp: record.bornTimestamp,
    bornHost: `${hostText(record.bornHost)}:${record.bornPort}`,
    storeTimestamp: record.storeTimestamp,
    storeHost: `${hostText(record.storeHost)}:${record.storePort}`,
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: record.preparedTransactionOffset,
    bodyBytes: record.body.length,
    bodyPreview: previewOf(record.body, record.sysFlag),
    properties: Object.fromEntries(decodeProperties(record.properties)),
  }
}

function previewOf(body: Buffer, sysFlag: number): string {
  try {
    const whole = restoreBody(body, sysFlag, RESTORED_BYTES_MAX)
    const text = visible(whole.toString('utf8', 0, PREVIEW_BYTES))
    return whole.length > PREVIEW_BYTES ? `${text}…` : text
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return `(${error.message})`
  }
}

/** Text that is safe for a terminal: control characters are shown by their code. */
export function visible(text: string): string {
  return printableJson(text)
}

/** A unit of a queue in readable form. */
export interface InspectedUnit {
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly sizeBytes: number
  readonly tagsCode: number
  /** How many messages the record has; only in a queue of batches. */
  readonly count?: number
}

/** The range of units to read. */
export interface UnitRange {
  /** The first queue offset. */
  readonly from?: number
  readonly count?: number
  /** Whether it is a queue of batches. */
  readonly isBatch?: boolean
}

/** The units of a queue on disk, without fillers. Throws the host's error. */
export function inspectQueue(
  disk: Disk,
  directory: string,
  topic: string,
  queueId: number,
): InspectedUnit[] {
  return readQueue(disk, `${directory}/consumequeue`, topic, queueId)
}

/** As `inspectQueue`, for the queues in a folder. */
export function readQueue(
  disk: Disk,
  directory: string,
  topic: string,
  queueId: number,
  range: UnitRange = {},
): InspectedUnit[] {
  const queue = insideOf(directory, topic, String(queueId))
  const { from = 0, count = Infinity, isBatch = false } = range
  const unitBytes = unitBytesOf(isBatch)
  const units: InspectedUnit[] = []
  for (const { firstOffset, sizeBytes } of listSegments(disk, queue)) {
    if (!isBatch && firstOffset + sizeBytes <= from * unitBytes) continue
    const bytes = disk.readFile(`${queue}/${segmentName(firstOffset)}`) ?? Buffer.alloc(0)
    const start = isBatch ? 0 : Math.max(0, from * unitBytes - firstOffset)
    for (let at = start; at + unitBytes <= bytes.length && unitSize(bytes, at) > 0;) {
      if (units.length >= count) return units
      const batch = isBatch ? readBatchPart(bytes, at) : undefined
      const queueOffset = batch?.baseOffset ?? (firstOffset + at) / unitBytes
      const isBefore = batch !== undefined && batch.baseOffset + batch.count <= from
      if (!isFiller(bytes, at) && !isBefore) {
        const unit = inspectUnit(bytes, at, queueOffset)
        units.push(batch === undefined ? unit : { ...unit, count: batch.count })
      }
      at += unitBytes
    }
  }
  return units
}

function inspectUnit(bytes: Buffer, at: number, queueOffset: number): InspectedUnit {
  return {
    queueOffset,
    physicalOffset: unitPhysicalOffset(bytes, at),
    sizeBytes: unitSize(bytes, at),
    tagsCode: unitTagsCode(bytes, at),
  }
}

/** The header of an index file. */
export interface InspectedIndex {
  readonly name: string
  readonly beginTimestamp: number
  readonly endTimestamp: number
  readonly beginOffset: number
  readonly endOffset: number
  readonly slotCount: number
  readonly indexCount: number
}

/** The headers of all index files, oldest first. Throws the host's error. */
export function inspectIndex(disk: Disk, directory: string): InspectedIndex[] {
  return readIndexHeads(disk, `${directory}/index`)
}

/** As `inspectIndex`, for the index in a folder. */
export function readIndexHeads(disk: Disk, directory: string): InspectedIndex[] {
  const names = disk.list(directory).map((entry) => entry.name)
  return names.sort().map((name) => {
    const file = disk.open(`${directory}/${name}`, 'read')
    const head = Buffer.alloc(indexHeader.sizeBytes)
    try {
      file.readNow(head, 0)
    } finally {
      file.close()
    }
    return {
      name,
      beginTimestamp: readLong(head, indexHeader.beginTimestamp),
      endTimestamp: readLong(head, indexHeader.endTimestamp),
      beginOffset: readLong(head, indexHeader.beginOffset),
      endOffset: readLong(head, indexHeader.endOffset),
      slotCount: readInt(head, indexHeader.slotCount),
      indexCount: readInt(head, indexHeader.indexCount),
    }
  })
}

/**
 * Physical offsets of the messages of a topic that the index has under a key, or under another key with the same
 * hash, newest first. Skips files of other sizes. Throws the host's error.
 */
export function findByKey(
  disk: Disk,
  directory: string,
  sizes: IndexSizes,
  topic: string,
  key: string,
): number[] {
  const found: number[] = []
  const keyHash = indexKeyHash(topic, key)
  const names = disk.list(directory).map((entry) => entry.name)
  for (const name of names.sort().reverse()) {
    const file = IndexFile.open(disk, `${directory}/${name}`, sizes)
    try {
      const query = { keyHash, beginMs: 0, endMs: Infinity, maxCount: FOUND_MAX }
      const search = file.find(query, found)
      while (file.hasRightSize && search.next().done !== true);
    } finally {
      file.close()
    }
  }
  return found
}

/** The checkpoint's values; zeros when it is missing. Throws the host's error. */
export function inspectCheckpoint(disk: Disk, directory: string): CheckpointValues {
  return readCheckpoint(disk, `${directory}/checkpoint`)
}
