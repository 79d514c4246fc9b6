// For `store-tools` only: what its tools need to read and repair a store's files.
export { abortFileExists, removeAbortFile } from './checkpoint/abort-file.ts'
export { checkpointLayout, readCheckpoint, writeCheckpoint } from './checkpoint/checkpoint.ts'
export type { CheckpointValues } from './checkpoint/checkpoint.ts'
export {
  BATCH_UNIT_BYTES,
  batchCount,
  isBatchRecord,
  readBatchPart,
  unitBytesOf,
} from './consumequeue/batch-unit.ts'
export { ConsumeQueueTable } from './consumequeue/consume-queue-table.ts'
export {
  TAGS_CODE_MIN,
  UNIT_BYTES,
  isFiller,
  unitPhysicalOffset,
  unitSize,
  unitTagsCode,
} from './consumequeue/consume-queue-unit.ts'
export { QueueFiles } from './consumequeue/queue-files.ts'
export { Dispatcher } from './dispatch/dispatcher.ts'
export { dispatchOfRecord, hasQueueUnit, tagsCodeOf } from './dispatch/reput.ts'
export { IndexFile } from './index/index-file.ts'
export { forEachKeyHash, indexKeyHash, keySpans, topicHash } from './index/index-key.ts'
export { indexEntry, indexFileBytes, indexHeader } from './index/index-layout.ts'
export type { IndexSizes } from './index/index-layout.ts'
export { MessageIndex } from './index/message-index.ts'
export { localTime } from './message/local-time.ts'
export { LMQ_QUEUE_ID, allowsLightQueues, lightPlaces } from './message/multi-dispatch.ts'
export { queueFileBytes } from './recovery/recover-queues.ts'
export { UNSYNCED, unsyncedMark } from './recovery/unsynced-mark.ts'
export { insideOf } from './segment/inside-path.ts'
export { SET_ASIDE } from './segment/load-segments.ts'
export { OpenFiles } from './segment/open-files.ts'
export { offsetOfSegmentName, segmentName } from './segment/segment-file.ts'
export { listSegments } from './segment/segment-queue.ts'
export type { FoundSegment } from './segment/segment-queue.ts'
export type { StorePaths } from './segment/store-paths.ts'
export { syncPath } from './segment/sync-path.ts'
export { readTimerCheck } from './timer/timer-check-point.ts'
export type { TimerCheckFile } from './timer/timer-check-point.ts'
export { TIMER_UNIT_BYTES, TimerMagic, decodeTimerUnit } from './timer/timer-log-unit.ts'
export type { TimerUnit } from './timer/timer-log-unit.ts'
export { slotBegin, timerPrecision } from './timer/timer-parts.ts'
export { TIMER_WHEEL_BYTES, timerSlotLayout } from './timer/timer-wheel.ts'
export type { TimerSlot } from './timer/timer-wheel.ts'
