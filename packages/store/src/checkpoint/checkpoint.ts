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
 * How far the log and its caches are on disk, for a start after a crash. Big-endian, in a file of 4096 bytes.
 * Apache: `StoreCheckpoint.java`.
 *
 * | at | field               | bytes | what it is                                                        |
 * | -- | ------------------- | ----- | ----------------------------------------------------------------- |
 * |  0 | physicMsgTimestamp  | 8     | store time of the newest message that is on disk in the log       |
 * |  8 | logicsMsgTimestamp  | 8     | … in the consume queues                                           |
 * | 16 | indexMsgTimestamp   | 8     | … in index files that are full                                    |
 * | 24 | masterFlushedOffset | 8     | for a slave: up to where the master reported its log on disk      |
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
// A message may be stored a little after its timestamp was taken.
const MARGIN_MS = 3000

/** The values of the checkpoint file. */
export interface CheckpointValues {
  physicMsgTimestamp: number
  logicsMsgTimestamp: number
  indexMsgTimestamp: number
  masterFlushedOffset: number
  confirmPhyOffset: number
  /** Undefined when the file has none, or when another broker has written the file since. */
  point: RecoveryPoint | undefined
}

/** Reads the file; all zeros when it does not exist. */
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

/** The file's content for these values. */
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

/** As `writeCheckpoint`, but blocking, for starts. Throws the host's error. */
export function writeCheckpointNow(disk: Disk, path: string, values: CheckpointValues): void {
  replaceFileNow(disk, path, encodeCheckpoint(values))
}

/** Erases the recovery point in place, which works on a full disk too, and syncs the file. Throws the host's error. */
export function withdrawPoint(disk: Disk, path: string): void {
  const file = disk.open(path, 'write')
  try {
    file.writeNow(Buffer.alloc(recoveryPointLayout.sizeBytes), RECOVERY_POINT_AT)
    file.syncNow()
  } finally {
    file.close()
  }
  // Otherwise a power cut could bring back the file that this one replaced, with its own point.
  disk.syncDirectoryNow(directoryOf(path))
}

/**
 * Store time in ms before which everything is certainly on disk: an unclean start reads the log from the last file
 * that begins no later. With `index`, the index counts as well.
 */
export function safeTimestamp(values: CheckpointValues, index: boolean): number {
  const least = Math.min(values.physicMsgTimestamp, values.logicsMsgTimestamp)
  const safe = Math.max(0, least - MARGIN_MS)
  return index ? Math.min(safe, values.indexMsgTimestamp) : safe
}
