import { defineEvent } from '@skylarkmq/env'

/** A file size that the directory decides. */
export const segmentSizeKept = defineEvent({
  name: 'store.segment.size',
  level: 'warn',
  fields: {
    directory: 'Where the files are.',
    sizeBytes: 'Size of the files that are there.',
    configuredBytes: 'Size in the configuration.',
  },
  says: 'files in {directory} have {sizeBytes} bytes, so the configured {configuredBytes} has no effect',
})

/** A start found files of the log behind one that is missing. */
export const segmentsSetAside = defineEvent({
  name: 'store.commitlog.set-aside',
  level: 'error',
  fields: {
    folder: 'Where they are now.',
    files: 'How many.',
    expectedOffset: 'First offset of the file that is missing; the log ends there, or before.',
  },
  says: 'the file of the log for offset {expectedOffset} is missing; {files} files behind it, which were not known to be on disk, are in {folder} now',
})

/** What a start found. */
export const storeRecovered = defineEvent({
  name: 'store.recovered',
  level: 'info',
  fields: {
    clean: 'Whether the last stop was orderly.',
    scanFrom: 'Physical offset from which the log was read.',
    offsetMax: 'End of the log.',
    records: 'Records read.',
    dispatched: 'Records put into queues or index again.',
    ms: 'How long it took.',
  },
  says: 'recovered the log up to {offsetMax}, read {records} records from {scanFrom} on in {ms} ms, clean stop {clean}',
})

/** The log was cut at the first record that is not sound. */
export const commitLogTorn = defineEvent({
  name: 'store.commitlog.torn',
  level: 'warn',
  fields: { offset: 'Where the log ends now.', reason: 'What is wrong with what follows.' },
  says: 'cut the commit log at {offset}: {reason}',
})

/** A queue was cut, because the log does not have its last messages. */
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
  says: 'could not write {what}: {reason}; messages are refused until it works again',
})

/** Writing works again. */
export const writeWorksAgain = defineEvent({
  name: 'store.write.recovered',
  level: 'info',
  fields: { what: 'What was to be written.' },
  says: 'writing {what} works again',
})

/** The index could not be written. */
export const indexBehind = defineEvent({
  name: 'store.index.behind',
  level: 'error',
  fields: { reason: 'What the host said.' },
  says: 'could not write the index: {reason}; messages are taken, and their keys follow once it works again',
})

/** The index has every message again. */
export const indexCaughtUp = defineEvent({
  name: 'store.index.caught-up',
  level: 'info',
  fields: { offset: 'Messages before this physical offset are in it.' },
  says: 'the index has all messages up to {offset} again',
})

/** A record in the log is not what was written. */
export const recordDamaged = defineEvent({
  name: 'store.record.damaged',
  level: 'error',
  fields: { topic: 'Topic.', queueId: 'Queue.', offset: 'Where in the commit log.' },
  says: 'the record at {offset} of queue {queueId} of {topic} is damaged and is not served',
})

/** A sync of the log failed; nothing is accepted until what was to be synced is written again and on disk. */
export const syncFailed = defineEvent({
  name: 'store.sync.failed',
  level: 'error',
  fields: { offset: 'Up to where the log is known to be on disk.', reason: 'What the host said.' },
  says: 'the log could not be brought to disk behind {offset}: {reason}; messages are refused until it is written again',
})

/** After a failed sync the log is on disk. */
export const syncWorksAgain = defineEvent({
  name: 'store.sync.recovered',
  level: 'info',
  fields: { offset: 'Up to where the log is known to be on disk.' },
  says: 'the log was written again and is on disk up to {offset}; messages are accepted again',
})

/** A cache of the log could not be brought to disk; a start after a crash will build it from further back. */
export const cacheSyncFailed = defineEvent({
  name: 'store.cache.sync-failed',
  level: 'warn',
  fields: { path: 'Which file.', reason: 'What the host said.' },
  says: '{path} could not be brought to disk: {reason}; it is rebuilt from the log after a crash',
})

/** The disk fills up. */
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

/** The host does not say how full a disk is. */
export const diskNotMeasured = defineEvent({
  name: 'store.disk.not-measured',
  level: 'warn',
  fields: { path: 'Which directory.', reason: 'What the host said.' },
  says: 'the disk of {path} does not say how full it is: {reason}',
})

/** A commit log file is gone. */
export const segmentDeleted = defineEvent({
  name: 'store.commitlog.deleted',
  level: 'info',
  fields: { path: 'Which file.', why: 'Expired, or forced by a full disk.' },
  says: 'deleted {path}: {why}',
})

/** A topic was deleted, and something that is no queue's is in its folder. */
export const topicFolderKept = defineEvent({
  name: 'store.topic.folder-kept',
  level: 'warn',
  fields: { path: 'The folder.' },
  says: 'what is left in {path} belongs to no queue, and stays there',
})

/** Files of a topic that was deleted could not be removed. */
export const queuesNotRemoved = defineEvent({
  name: 'store.topic.not-removed',
  level: 'warn',
  fields: { topic: 'The topic.', reason: 'Why.' },
  says: 'files of the queues of {topic}, which was deleted, could not be removed: {reason}',
})

/** A file of the log, a queue or the index could not be deleted. */
export const segmentNotDeleted = defineEvent({
  name: 'store.commitlog.not-deleted',
  level: 'warn',
  fields: { path: 'Which file.', reason: 'What the host said.' },
  says: 'could not delete {path}: {reason}; trying again later',
})

/** Index files were dropped, because what they point at is not trusted. */
export const indexDropped = defineEvent({
  name: 'store.index.dropped',
  level: 'warn',
  fields: { name: 'Which file.', why: 'Why.' },
  says: 'dropped index file {name}: {why}',
})

/** A message that waited cannot be delivered any more. */
export const timerMessageLost = defineEvent({
  name: 'store.timer.lost',
  level: 'error',
  fields: {
    physicalOffset: 'Where it was in the commit log; −1 when not even that is known.',
    reason: 'Why.',
  },
  says: 'a message that waited at {physicalOffset} is not delivered: {reason}',
})

/** A message that is due was not taken. */
export const timerNotDelivered = defineEvent({
  name: 'store.timer.refused',
  level: 'warn',
  fields: {
    topic: 'Topic.',
    reason: 'Why.',
    isRefused: 'Whether it is given up, as it cannot be stored; else it is tried again.',
  },
  says: 'a message that is due in {topic} was not stored: {reason}',
})

/** The wheel or its log could not be read or written. */
export const timerFailed = defineEvent({
  name: 'store.timer.failed',
  level: 'error',
  fields: { reason: 'What the host says.' },
  says: 'messages that wait cannot be moved on, it is tried again: {reason}',
})

/** What a start found of the messages that wait. */
export const timersRecovered = defineEvent({
  name: 'store.timer.recovered',
  level: 'info',
  fields: {
    readTimeMs: 'From which time on messages may have to be delivered.',
    queueOffset: 'First message that may not be in the wheel.',
    timerLogEnd: 'End of the timer log.',
  },
  says: 'messages that wait go on from {readTimeMs}, with message {queueOffset} of their queue',
})

/** A slot of the wheel and the timer log do not agree. */
export const timerSlotTorn = defineEvent({
  name: 'store.timer.torn',
  level: 'warn',
  fields: { slotMs: 'The time of the slot.', units: 'Messages that were found for it.' },
  says: 'the slot of {slotMs} was torn; the timer log has {units} messages for it',
})
