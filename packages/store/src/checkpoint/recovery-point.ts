import {
  crc32Positive,
  offsetsOf,
  readInt,
  readLong,
  writeInt,
  writeLong,
} from '@skylarkmq/protocol'

/**
 * Up to where log, consume queues and index are certainly on disk. A start after a crash reads the log only from
 * there, however long the log is. The point lies in the checkpoint file at byte 2048, which Apache neither reads nor
 * writes; `checkpointCrc` covers Apache's fields, so the point is invalid once Apache has changed them. Big-endian,
 * within one sector.
 *
 * | at  | field         | bytes | what it is                                                              |
 * | --- | ------------- | ----- | ----------------------------------------------------------------------- |
 * |   0 | mark          | 8     | `SKYLARK1`                                                              |
 * |   8 | physicalEnd   | 8     | all records before this offset are on disk, and their queue units       |
 * |  16 | lastRecord    | 8     | where the last of them starts, −1 for none                              |
 * |  24 | indexEnd      | 8     | messages before this offset are in the index                            |
 * |  32 | processId     | 8     | of the broker that wrote it, as in the abort file                       |
 * |  40 | indexName     | 20    | the index file that takes keys, padded with zeros; all zeros for none   |
 * |  60 | indexHead     | 40    | its head: entries before the count there are on disk                    |
 * | 100 | formerProcess | 8     | of the previous broker, whose abort file may still exist; −1 for none,  |
 * |     |               |       | −2 when that file is empty because it could not be written              |
 * | 108 | checkpointCrc | 4     | CRC-32 of the first 40 bytes of the checkpoint                          |
 * | 112 | ownCrc        | 4     | CRC-32 of the 112 bytes before                                          |
 */
export const recoveryPointLayout = offsetsOf([
  { name: 'mark', bytes: 8, doc: 'SKYLARK1' },
  { name: 'physicalEnd', bytes: 8, doc: 'Records before it are on disk, and their units.' },
  { name: 'lastRecord', bytes: 8, doc: 'Where the last of them starts; -1 for none.' },
  { name: 'indexEnd', bytes: 8, doc: 'Messages before it are in the index.' },
  { name: 'processId', bytes: 8, doc: 'Of the broker, as in the abort file.' },
  { name: 'indexName', bytes: 20, doc: 'The index file that takes keys; zeros for none.' },
  { name: 'indexHead', bytes: 40, doc: 'The head of that file.' },
  { name: 'formerProcess', bytes: 8, doc: 'Of the broker before; -1 for none.' },
  { name: 'checkpointCrc', bytes: 4, doc: "CRC-32 of Apache's fields." },
  { name: 'ownCrc', bytes: 4, doc: 'CRC-32 of what comes before.' },
])

/** Position in the checkpoint file. */
export const RECOVERY_POINT_AT = 2048

const APACHE_BYTES = 40
const MARK = Buffer.from('SKYLARK1', 'latin1')
const layout = recoveryPointLayout

/** State of the index file that is being filled. */
export interface IndexPoint {
  readonly name: string
  /** The 40 bytes of its header. Entries below the count in it are on disk. */
  readonly head: Buffer
}

/** See `recoveryPointLayout`. */
export interface RecoveryPoint {
  readonly physicalEnd: number
  readonly lastRecord: number
  readonly indexEnd: number
  readonly processId: number
  /**
   * The process that the abort file named before; −1 when it named none, `OWN_EMPTY_MARK` for an empty file of our
   * own.
   */
  readonly formerProcess: number
  /** Undefined when there was no index file. */
  readonly index: IndexPoint | undefined
}

/** Stands for an abort file that one of our brokers left empty: the disk had room for its name only. */
export const OWN_EMPTY_MARK = -2

/**
 * Whether the process named by an abort file wrote this point, or took over the store from the process that did, with
 * nobody in between. The point names both processes, because after a power cut the two files may be of different age.
 */
export function isPointOf(point: RecoveryPoint, abortedProcess: number): boolean {
  // Apache's brokers up to 4.x leave the file empty, too.
  if (abortedProcess < 0) return point.formerProcess === OWN_EMPTY_MARK
  return abortedProcess === point.processId || abortedProcess === point.formerProcess
}

/** Reads the point from a checkpoint file; undefined when there is none or it is invalid. */
export function readRecoveryPoint(checkpoint: Buffer): RecoveryPoint | undefined {
  const end = RECOVERY_POINT_AT + layout.sizeBytes
  if (checkpoint.length < end) return undefined
  const bytes = checkpoint.subarray(RECOVERY_POINT_AT, end)
  if (!bytes.subarray(0, MARK.length).equals(MARK)) return undefined
  if (readInt(bytes, layout.ownCrc) !== crc32Positive(bytes, 0, layout.ownCrc)) return undefined
  if (readInt(bytes, layout.checkpointCrc) !== crc32Positive(checkpoint, 0, APACHE_BYTES)) {
    return undefined
  }
  const padded = bytes.toString('latin1', layout.indexName, layout.indexHead)
  const name = padded.slice(0, padded.indexOf('\0'))
  const head = Buffer.from(bytes.subarray(layout.indexHead, layout.formerProcess))
  return {
    physicalEnd: readLong(bytes, layout.physicalEnd),
    lastRecord: readLong(bytes, layout.lastRecord),
    indexEnd: readLong(bytes, layout.indexEnd),
    processId: readLong(bytes, layout.processId),
    formerProcess: readLong(bytes, layout.formerProcess),
    index: name === '' ? undefined : { name, head },
  }
}

/** Writes the point into the bytes of a checkpoint file, whose other fields must be set already. */
export function writeRecoveryPoint(checkpoint: Buffer, point: RecoveryPoint): void {
  const bytes = checkpoint.subarray(RECOVERY_POINT_AT, RECOVERY_POINT_AT + layout.sizeBytes)
  MARK.copy(bytes)
  writeLong(bytes, layout.physicalEnd, point.physicalEnd)
  writeLong(bytes, layout.lastRecord, point.lastRecord)
  writeLong(bytes, layout.indexEnd, point.indexEnd)
  writeLong(bytes, layout.processId, point.processId)
  writeLong(bytes, layout.formerProcess, point.formerProcess)
  if (point.index !== undefined) {
    bytes.write(point.index.name, layout.indexName, 'latin1')
    point.index.head.copy(bytes, layout.indexHead)
  }
  writeInt(bytes, layout.checkpointCrc, crc32Positive(checkpoint, 0, APACHE_BYTES))
  writeInt(bytes, layout.ownCrc, crc32Positive(bytes, 0, layout.ownCrc))
}
