import { directoryOf, replaceFile, replaceFileNow } from '@skylarkmq/env'
import type { Disk } from '@skylarkmq/env'
import { offsetsOf, readLong, writeLong } from '@skylarkmq/protocol'
import {
  RECOVERY_POINT_AT,
  readRecoveryPoint,
  recoveryPointLayout,
  writeRecoveryPoint,
} from './recovery-point.ts'
import type { RecoveryPoint } from './recovery-point.ts'

/**
 * How far the log and what is made from it are on disk, for a start after a crash. Big-endian, in a file of
 * 4096 bytes. Apache: `StoreCheckpoint.java`.
 *
 * | at | field               | bytes | what it is                                                        |
 * | -- | ------------------- | ----- | ----------------------------------------------------------------- |
 * |  0 | physicMsgTimestamp  | 8     | store time of the newest message that is on disk in the log       |
 * |  8 | logicsMsgTimestamp  | 8     | … in the consume queues                                           |
 * | 16 | indexMsgTimestamp   | 8     | … in index files that are full                                    |
 * | 24 | masterFlushedOffset | 8     | up to where the master said that its log is on disk, for a slave  |
 * | 32 | confirmPhyOffset    | 8     | start of the last record that the last recovery found             |
 */
export const checkpointLayout = offsetsOf([
  { name: 'physicMsgTimestamp', bytes: 8, doc: 'Ms: newest message on disk in the log.' },
  { name: 'logicsMsgTimestamp', bytes: 8, doc: 'Ms: newest message on disk in the queues.' },
  { name: 'indexMsgTimestamp', bytes: 8, doc: 'Ms: newest message in a full index file.' },
  { name: 'masterFlushedOffset', bytes: 8, doc: "A master's flushed offset, for a slave." },
  { name: 'confirmPhyOffset', bytes: 8, doc: 'Start of the last record recovered.' },
])

const FILE_BYTES = 4096
// A message may be stored a little after the time in it was taken.
const MARGIN_MS = 3000

/** The values of the checkpoint file. */
export interface CheckpointValues {
  physicMsgTimestamp: number
  logicsMsgTimestamp: number
  indexMsgTimestamp: number
  masterFlushedOffset: number
  confirmPhyOffset: number
  /** Undefined when the file has none, or one from before another broker wrote the file. */
  point: RecoveryPoint | undefined
}

/** Reads the file; zeros when there is none. */
export function readCheckpoint(disk: Disk, path: string): CheckpointValues {
  const bytes = disk.readFile(path)
  const at = (name: Exclude<keyof CheckpointValues, 'point'>): number =>
    bytes === undefined || bytes.length < checkpointLayout.sizeBytes
      ? 0
      : readLong(bytes, checkpointLayout[name])
  return {
    physicMsgTimestamp: at('physicMsgTimestamp'),
    logicsMsgTimestamp: at('logicsMsgTimestamp'),
    indexMsgTimestamp: at('indexMsgTimestamp'),
    masterFlushedOffset: at('masterFlushedOffset'),
    confirmPhyOffset: at('confirmPhyOffset'),
    point: bytes === undefined ? undefined : readRecoveryPoint(bytes),
  }
}

/** The file with these values. */
function encodeCheckpoint(values: CheckpointValues): Buffer {
  const bytes = Buffer.alloc(FILE_BYTES)
  for (const { name } of checkpointLayout.fields) {
    writeLong(bytes, checkpointLayout[name], values[name])
  }
  if (values.point !== undefined) writeRecoveryPoint(bytes, values.point)
  return bytes
}

/** Replaces the file. Rejects with the host's error. */
export async function writeCheckpoint(
  disk: Disk,
  path: string,
  values: CheckpointValues,
): Promise<void> {
  await replaceFile(disk, path, encodeCheckpoint(values))
}

/** As `writeCheckpoint`, blocking; for starts. Throws the host's error. */
export function writeCheckpointNow(disk: Disk, path: string, values: CheckpointValues): void {
  replaceFileNow(disk, path, encodeCheckpoint(values))
}

/**
 * Takes the recovery point out of the file, in its place, so that a full disk is no hindrance, and brings that to
 * disk. Throws the host's error.
 */
export function withdrawPoint(disk: Disk, path: string): void {
  const file = disk.open(path, 'write')
  try {
    file.writeNow(Buffer.alloc(recoveryPointLayout.sizeBytes), RECOVERY_POINT_AT)
    file.syncNow()
  } finally {
    file.close()
  }
  // Otherwise a power cut could bring back the file that this one has replaced, with a point of its own.
  disk.syncDirectoryNow(directoryOf(path))
}

/**
 * Store time in ms before which everything is surely on disk: an unclean start reads the log from the file
 * on that begins no later. With `index`, also for the index.
 */
export function safeTimestamp(values: CheckpointValues, index: boolean): number {
  const least = Math.min(values.physicMsgTimestamp, values.logicsMsgTimestamp)
  const safe = Math.max(0, least - MARGIN_MS)
  return index ? Math.min(safe, values.indexMsgTimestamp) : safe
}
