import { defineError } from '@skylarkmq/protocol'

/** A file of the commit log differs in size from the others. */
export class StoreSegmentSize extends defineError<{
  path: string
  sizeBytes: number
  expectedBytes: number
}>('ERR_STORE_SEGMENT_SIZE', {
  says: (v) => `${v.path} has ${v.sizeBytes} bytes, the files before it have ${v.expectedBytes}`,
  does: 'The store does not open. Repair the file or move it away; all files of a log have the same size.',
  for: 'operator',
}) {}

/** A file of the commit log is missing between two others. */
export class StoreSegmentGap extends defineError<{
  path: string
  expectedOffset: number
}>('ERR_STORE_SEGMENT_GAP', {
  says: (v) =>
    `the log continues at ${v.path}, but the file of offset ${v.expectedOffset} is missing`,
  does: 'The store does not open, because the missing file was on disk. Restore it, or move the files before the gap away. (Files behind a gap that were not on disk yet at a power failure are set aside automatically.)',
  for: 'operator',
}) {}

/** A sync of a queue's file failed, and the host may have lost units, which are being rewritten. */
export class QueueUnitLost extends defineError<{
  topic: string
  queueId: number
  queueOffset: number
}>('ERR_STORE_UNIT_LOST', {
  says: (v) =>
    `offset ${v.queueOffset} of queue ${v.queueId} of ${v.topic} cannot be read: a sync of the queue failed`,
  does: 'The store rewrites the queue from the log. Try again in a second.',
  for: 'user',
}) {}

/** Writing the commit log failed; the message is not stored. */
export class StoreWriteFailed extends defineError<{ path: string; offset: number; reason: string }>(
  'ERR_STORE_WRITE_FAILED',
  {
    says: (v) => `the commit log could not be written at ${v.offset} of ${v.path}: ${v.reason}`,
    does: 'The store refuses messages, retries every second, and accepts messages again once a write succeeds.',
    for: 'operator',
  },
) {}

/** A name would have led out of a folder of the store. */
export class UnsafeName extends defineError<{ folder: string; name: string }>('ERR_STORE_NAME', {
  says: (v) =>
    `${JSON.stringify(v.name.slice(0, 80))} cannot be the name of a folder in ${v.folder}`,
  does: 'Nothing was read, written or deleted. Names of topics consist of letters, digits and % | _ -.',
  for: 'operator',
}) {}
