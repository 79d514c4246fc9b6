import type { Disk } from '@skylarkmq/env'
import { decodeProperties, decodeRecord, hostText, readInt, readLong } from '@skylarkmq/protocol'
import { readCheckpoint } from './checkpoint.ts'
import type { CheckpointValues } from './checkpoint.ts'
import { scanLog } from './commitlog/scan-log.ts'
import {
  UNIT_BYTES,
  isFiller,
  unitPhysicalOffset,
  unitSize,
  unitTagsCode,
} from './consumequeue/consume-queue-unit.ts'
import { indexHeader } from './index/index-file.ts'
import { SegmentFile, segmentName } from './segment/segment-file.ts'
import { SegmentQueue, listSegments } from './segment/segment-queue.ts'

/** A record of the log in a form to read. */
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
  readonly bodyBytes: number
  readonly properties: Readonly<Record<string, string>>
}

/**
 * Records of a store that nobody has open, from the first on. `from` is the physical offset of one; with it the
 * reading begins there. Stops at what is not sound. Throws the host's error.
 */
export function inspectRecords(
  disk: Disk,
  directory: string,
  range: { from?: number; to?: number } = {},
): InspectedRecord[] {
  const log = `${directory}/commitlog`
  const found = listSegments(disk, log)
  const sizeBytes = found[0]?.sizeBytes ?? 0
  const files = found.map((each) => new SegmentFile(disk, log, each.firstOffset, sizeBytes))
  const segments = new SegmentQueue(disk, log, sizeBytes, files)
  const records: InspectedRecord[] = []
  const options = { checkCrc: true, ...(range.to === undefined ? {} : { to: range.to }) }
  try {
    scanLog(segments, range.from ?? segments.firstOffset, options, (buffer, at) => {
      records.push(inspectRecord(buffer, at))
    })
  } finally {
    segments.close()
  }
  return records
}

/** One record in a form to read. A ProtocolError when there is none. */
export function inspectRecord(buffer: Buffer, at = 0): InspectedRecord {
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
    properties: Object.fromEntries(decodeProperties(record.properties)),
  }
}

/** A unit of a queue in a form to read. */
export interface InspectedUnit {
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly sizeBytes: number
  readonly tagsCode: number
}

/** The units of a queue on disk; those that stand for no message are left out. Throws the host's error. */
export function inspectQueue(
  disk: Disk,
  directory: string,
  topic: string,
  queueId: number,
): InspectedUnit[] {
  const queue = `${directory}/consumequeue/${topic}/${queueId}`
  const units: InspectedUnit[] = []
  for (const { firstOffset } of listSegments(disk, queue)) {
    const bytes = disk.readFile(`${queue}/${segmentName(firstOffset)}`) ?? Buffer.alloc(0)
    for (let at = 0; at + UNIT_BYTES <= bytes.length && unitSize(bytes, at) > 0; at += UNIT_BYTES) {
      if (isFiller(bytes, at)) continue
      units.push({
        queueOffset: (firstOffset + at) / UNIT_BYTES,
        physicalOffset: unitPhysicalOffset(bytes, at),
        sizeBytes: unitSize(bytes, at),
        tagsCode: unitTagsCode(bytes, at),
      })
    }
  }
  return units
}

/** The head of an index file. */
export interface InspectedIndex {
  readonly name: string
  readonly beginTimestamp: number
  readonly endTimestamp: number
  readonly beginOffset: number
  readonly endOffset: number
  readonly slotCount: number
  readonly indexCount: number
}

/** The heads of all index files, oldest first. Throws the host's error. */
export function inspectIndex(disk: Disk, directory: string): InspectedIndex[] {
  const names = disk.list(`${directory}/index`).map((entry) => entry.name)
  return names.sort().map((name) => {
    const file = disk.open(`${directory}/index/${name}`, 'read')
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

/** The checkpoint's values; zeros when there is none. Throws the host's error. */
export function inspectCheckpoint(disk: Disk, directory: string): CheckpointValues {
  return readCheckpoint(disk, `${directory}/checkpoint`)
}
