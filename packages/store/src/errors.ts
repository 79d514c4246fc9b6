import { defineError } from '@skylarkmq/protocol'

/** A file of the commit log has another size than the ones before it. */
export class StoreSegmentSize extends defineError<{
  path: string
  sizeBytes: number
  expectedBytes: number
}>('ERR_STORE_SEGMENT_SIZE', {
  says: (v) => `${v.path} has ${v.sizeBytes} bytes, the files before it have ${v.expectedBytes}`,
  does: 'The store does not open. Put the file right or move it away; all files of a log have one size.',
  for: 'operator',
}) {}

/** A file of the commit log is missing between two others. */
export class StoreSegmentGap extends defineError<{
  path: string
  expectedOffset: number
}>('ERR_STORE_SEGMENT_GAP', {
  says: (v) =>
    `the log goes on at ${v.path}, but the file of offset ${v.expectedOffset} is missing`,
  does: 'The store does not open, as all was on disk once. Bring the file back, or move the files before the gap away. Files behind a gap that were not on disk yet when the power failed are set aside by themselves.',
  for: 'operator',
}) {}

/** A sync of a queue's file failed, and the host may have lost what it had of it; it is written again. */
export class QueueUnitLost extends defineError<{
  topic: string
  queueId: number
  queueOffset: number
}>('ERR_STORE_UNIT_LOST', {
  says: (v) =>
    `offset ${v.queueOffset} of queue ${v.queueId} of ${v.topic} cannot be read: a sync of the queue failed`,
  does: 'The store writes the queue again from the log. Ask again in a second.',
  for: 'user',
}) {}

/** The commit log could not be written; the message that waited for it is not stored. */
export class StoreWriteFailed extends defineError<{ path: string; offset: number; reason: string }>(
  'ERR_STORE_WRITE_FAILED',
  {
    says: (v) => `the commit log could not be written at ${v.offset} of ${v.path}: ${v.reason}`,
    does: 'The store refuses messages, tries again every second, and accepts again by itself.',
    for: 'operator',
  },
) {}

/** A name that would lead out of a folder of the store was about to become part of a path. */
export class UnsafeName extends defineError<{ folder: string; name: string }>('ERR_STORE_NAME', {
  says: (v) =>
    `${JSON.stringify(v.name.slice(0, 80))} cannot be the name of a folder in ${v.folder}`,
  does: 'Nothing was read, written or deleted. Topics have letters, digits and the signs % | _ - in their names.',
  for: 'operator',
}) {}
