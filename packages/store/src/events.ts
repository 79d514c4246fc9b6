import { defineEvent } from '@skylarkmq/env'

/** The store keeps a file size that its existing files determine. */
export const segmentSizeKept = defineEvent({
  name: 'store.segment.size',
  level: 'warn',
  fields: {
    directory: 'Where the files are.',
    sizeBytes: 'Size of the existing files.',
    configuredBytes: 'Size in the configuration.',
  },
  says: 'files in {directory} have {sizeBytes} bytes, so the configured {configuredBytes} has no effect',
})

/** A start found files of the log behind a missing one. */
export const segmentsSetAside = defineEvent({
  name: 'store.commitlog.set-aside',
  level: 'error',
  fields: {
    folder: 'Where they are now.',
    files: 'How many.',
    expectedOffset: 'First offset of the missing file; the log ends there or earlier.',
  },
  says: 'the file of the log for offset {expectedOffset} is missing; {files} files behind it, which were not known to be on disk, were moved to {folder}',
})

/** A start recovered the store. */
export const storeRecovered = defineEvent({
  name: 'store.recovered',
  level: 'info',
  fields: {
    clean: 'Whether the last stop was clean.',
    scanFrom: 'Physical offset from which the log was read.',
    offsetMax: 'End of the log.',
    records: 'Records read.',
    dispatched: 'Records put into queues or index again.',
    ms: 'How long it took.',
  },
  says: 'recovered the log up to {offsetMax}, read {records} records from {scanFrom} on in {ms} ms, clean stop {clean}',
})

/** The log was cut at the first record that is not intact. */
export const commitLogTorn = defineEvent({
  name: 'store.commitlog.torn',
  level: 'warn',
  fields: { offset: 'Where the log ends now.', reason: 'What is wrong with what follows.' },
  says: 'cut the commit log at {offset}: {reason}',
})

/** A queue was cut because the log does not have its last messages. */
export const consumeQueueCut = defineEvent({
  name: 'store.consumequeue.cut',
  level: 'warn',
  fields: {
    topic: 'Topic.',
    queueId: 'Queue.',
    offsetMax: 'Where the queue ends now.',
    units: 'Units cut off.',
  },
  says: 'cut {units} units off queue {queueId} of {topic}, which ends at {offsetMax} now',
})

/** A write failed; messages are refused until one succeeds. */
export const writeFailed = defineEvent({
  name: 'store.write.failed',
  level: 'error',
  fields: { what: 'What was to be written.', reason: 'What the host said.' },
  says: 'could not write {what}: {reason}; messages are refused until a write succeeds',
})

/** Writing works again. */
export const writeWorksAgain = defineEvent({
  name: 'store.write.recovered',
  level: 'info',
  fields: { what: 'What was to be written.' },
  says: 'writing {what} works again',
})

/** Writing the index failed. */
export const indexBehind = defineEvent({
  name: 'store.index.behind',
  level: 'error',
  fields: { reason: 'What the host said.' },
  says: 'could not write the index: {reason}; messages are accepted, and their keys are added once a write succeeds',
})

/** The index is complete again. */
export const indexCaughtUp = defineEvent({
  name: 'store.index.caught-up',
  level: 'info',
  fields: { offset: 'Messages before this physical offset are in it.' },
  says: 'the index has all messages up to {offset} again',
})

/** A record in the log is damaged. */
export const recordDamaged = defineEvent({
  name: 'store.record.damaged',
  level: 'error',
  fields: { topic: 'Topic.', queueId: 'Queue.', offset: 'Where in the commit log.' },
  says: 'the record at {offset} of queue {queueId} of {topic} is damaged and is not served',
})

/** A sync of the log failed; nothing is accepted until the affected part is rewritten and synced. */
export const syncFailed = defineEvent({
  name: 'store.sync.failed',
  level: 'error',
  fields: { offset: 'Up to where the log is known to be on disk.', reason: 'What the host said.' },
  says: 'the log could not be synced behind {offset}: {reason}; messages are refused until it is rewritten',
})

/** After a failed sync, the log is on disk again. */
export const syncWorksAgain = defineEvent({
  name: 'store.sync.recovered',
  level: 'info',
  fields: { offset: 'Up to where the log is known to be on disk.' },
  says: 'the log was rewritten and is on disk up to {offset}; messages are accepted again',
})

/** Syncing a cache of the log failed; after a crash the next start reads more of the log. */
export const cacheSyncFailed = defineEvent({
  name: 'store.cache.sync-failed',
  level: 'warn',
  fields: { path: 'Which file.', reason: 'What the host said.' },
  says: '{path} could not be synced: {reason}; it is rebuilt from the log after a crash',
})

/** The disk is filling up. */
export const diskFull = defineEvent({
  name: 'store.disk.full',
  level: 'error',
  fields: { path: 'Which directory.', usedPercent: 'Share in use.' },
  says: 'the disk of {path} is {usedPercent} % full; messages are refused',
})

/** The disk has room again. */
export const diskHasRoom = defineEvent({
  name: 'store.disk.room',
  level: 'info',
  fields: { path: 'Which directory.', usedPercent: 'Share in use.' },
  says: 'the disk of {path} is {usedPercent} % full; messages are accepted again',
})

/** The host does not report disk usage. */
export const diskNotMeasured = defineEvent({
  name: 'store.disk.not-measured',
  level: 'warn',
  fields: { path: 'Which directory.', reason: 'What the host said.' },
  says: 'cannot measure the disk of {path}: {reason}',
})

/** A commit log file was deleted. */
export const segmentDeleted = defineEvent({
  name: 'store.commitlog.deleted',
  level: 'info',
  fields: { path: 'Which file.', why: 'Expired, or forced by a full disk.' },
  says: 'deleted {path}: {why}',
})

/** A topic was deleted, but its folder has files that belong to no queue. */
export const topicFolderKept = defineEvent({
  name: 'store.topic.folder-kept',
  level: 'warn',
  fields: { path: 'The folder.' },
  says: '{path} was not deleted: it contains files that belong to no queue',
})

/** Files of a deleted topic could not be removed. */
export const queuesNotRemoved = defineEvent({
  name: 'store.topic.not-removed',
  level: 'warn',
  fields: { topic: 'The topic.', reason: 'Why.' },
  says: 'could not remove queue files of the deleted topic {topic}: {reason}',
})

/** A file of the log, a queue or the index could not be deleted. */
export const segmentNotDeleted = defineEvent({
  name: 'store.commitlog.not-deleted',
  level: 'warn',
  fields: { path: 'Which file.', reason: 'What the host said.' },
  says: 'could not delete {path}: {reason}; trying again later',
})

/** Index files were dropped because the part of the log that they point to is not trusted. */
export const indexDropped = defineEvent({
  name: 'store.index.dropped',
  level: 'warn',
  fields: { name: 'Which file.', why: 'Why.' },
  says: 'dropped index file {name}: {why}',
})

/** A timer message can no longer be delivered. */
export const timerMessageLost = defineEvent({
  name: 'store.timer.lost',
  level: 'error',
  fields: {
    physicalOffset: 'Its offset in the commit log; −1 when unknown.',
    reason: 'Why.',
  },
  says: 'the timer message at {physicalOffset} is not delivered: {reason}',
})

/** The store refused a timer message that is due. */
export const timerNotDelivered = defineEvent({
  name: 'store.timer.refused',
  level: 'warn',
  fields: {
    topic: 'Topic.',
    reason: 'Why.',
    isRefused:
      'Whether the message is dropped because it cannot be stored; otherwise it is retried.',
  },
  says: 'a timer message due in {topic} was not stored: {reason}',
})

/** The wheel or its log could not be read or written. */
export const timerFailed = defineEvent({
  name: 'store.timer.failed',
  level: 'error',
  fields: { reason: 'What the host said.' },
  says: 'timer messages cannot be processed, retrying: {reason}',
})

/** A start recovered the timer messages. */
export const timersRecovered = defineEvent({
  name: 'store.timer.recovered',
  level: 'info',
  fields: {
    readTimeMs: 'The time from which messages may be undelivered.',
    queueOffset: 'First message that may not be in the wheel.',
    timerLogEnd: 'End of the timer log.',
  },
  says: 'timer messages continue from {readTimeMs}, with message {queueOffset} of their queue',
})

/** A slot of the wheel and the timer log disagree. */
export const timerSlotTorn = defineEvent({
  name: 'store.timer.torn',
  level: 'warn',
  fields: { slotMs: 'The time of the slot.', units: 'Messages that were found for it.' },
  says: 'the slot of {slotMs} was torn; the timer log has {units} messages for it',
})
