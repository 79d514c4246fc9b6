import { defineEvent } from '@skylarkmq/env'

/** A route could not be read again; the old one is used on. */
export const routeNotRefreshed = defineEvent({
  name: 'client.route.failed',
  level: 'warn',
  fields: { topic: 'topic', reason: 'what went wrong' },
  says: 'the route of {topic} could not be read: {reason}',
})

/** No name server or broker is there yet; it is tried again. */
export const notThereYet = defineEvent({
  name: 'client.waits',
  level: 'warn',
  fields: {
    what: 'who waits',
    reason: 'what went wrong',
    waitMs: 'how long until the next try, ms',
  },
  says: '{what} waits: {reason}; tried again in {waitMs} ms',
})

/** A broker did not take a heartbeat; it is tried again. */
export const heartbeatFailed = defineEvent({
  name: 'client.heartbeat.failed',
  level: 'warn',
  fields: { address: 'address of the broker', reason: 'what went wrong' },
  says: 'no heartbeat to {address}: {reason}',
})

/** A pull failed; it is tried again. */
export const pullFailed = defineEvent({
  name: 'client.pull.failed',
  level: 'warn',
  fields: { queue: 'topic, broker and queue id', reason: 'what went wrong' },
  says: 'a pull from {queue} failed: {reason}',
})

/** A listener threw; its message comes again later. */
export const listenerFailed = defineEvent({
  name: 'client.listener.failed',
  level: 'error',
  fields: { topic: 'topic', msgId: 'id of the message', reason: 'what was thrown' },
  says: 'the listener threw on {msgId} of {topic}: {reason}',
})

/** A listener takes too long; its message comes again later, while it still runs. */
export const listenerTooLong = defineEvent({
  name: 'client.listener.slow',
  level: 'warn',
  fields: { topic: 'topic', msgId: 'id of the message', elapsedMs: 'how long it runs, ms' },
  says: 'the listener has not ended on {msgId} of {topic} for {elapsedMs} ms: the message is given back, and comes again',
})

/** A handler had a message go to the dead letters. */
export const deadLettered = defineEvent({
  name: 'client.dead.letter',
  level: 'warn',
  fields: { topic: 'topic', msgId: 'id of the message', reason: 'why, as the handler said' },
  says: '{msgId} of {topic} goes to the dead letters: {reason}',
})

/** A consumer that closes waits for handlers that still run. */
export const closeWaits = defineEvent({
  name: 'client.close.waits',
  level: 'warn',
  fields: { group: 'name of the group', waitMs: 'how long at most, ms' },
  says: 'the consumer of {group} closes, and waits up to {waitMs} ms for handlers that still run; one that awaits close() itself waits in vain',
})

/** A body that the serde cannot read; the consumer's onInvalid decided what became of its message. */
export const bodyNotDecoded = defineEvent({
  name: 'client.body.invalid',
  level: 'error',
  fields: {
    topic: 'topic',
    msgId: 'id of the message',
    reason: 'what is wrong',
    onInvalid: 'what becomes of it: skip or deadLetter',
  },
  says: 'the body of {msgId} of {topic} cannot be read ({onInvalid}): {reason}',
})

/** A check of a transaction threw; the broker asks again later. */
export const transactionCheckFailed = defineEvent({
  name: 'client.transaction.failed',
  level: 'error',
  fields: { topic: 'topic', msgId: 'id of the message', reason: 'what was thrown' },
  says: 'what became of the transaction of {msgId} of {topic} could not be said: {reason}',
})

/** Queues could not be locked or unlocked at a broker; it is tried again. */
export const queueNotLocked = defineEvent({
  name: 'client.lock.failed',
  level: 'warn',
  fields: { brokerName: 'name of the broker', reason: 'what went wrong' },
  says: 'queues on {brokerName} could not be locked: {reason}',
})

/** A message failed that is not shared with others: it does not come again. */
export const broadcastFailed = defineEvent({
  name: 'client.broadcast.failed',
  level: 'error',
  fields: { topic: 'topic', msgId: 'id of the message' },
  says: '{msgId} of {topic} was not consumed; broadcast messages do not come again',
})

/** The file of a broadcasting consumer's offsets could not be read; the one before it is tried. */
export const offsetsNotRead = defineEvent({
  name: 'client.offsets.unreadable',
  level: 'error',
  fields: { file: 'path of the file', reason: 'what went wrong' },
  says: 'the offsets in {file} could not be read: {reason}',
})

/** The folder of a broadcasting consumer's offsets cannot be taken: its offsets are not kept. */
export const offsetsNotKept = defineEvent({
  name: 'client.offsets.unkept',
  level: 'error',
  fields: { directory: 'path of the folder', reason: 'what went wrong' },
  says: 'the offsets in {directory} are read, and not kept: {reason}',
})

/** The file of a broadcasting consumer's offsets could not be written; it is tried again. */
export const offsetsNotSaved = defineEvent({
  name: 'client.offsets.unsaved',
  level: 'error',
  fields: { file: 'path of the file', reason: 'what went wrong' },
  says: 'the offsets in {file} could not be written: {reason}',
})

/** A message could not be given back to its broker; it is consumed again here. */
export const sendBackFailed = defineEvent({
  name: 'client.sendback.failed',
  level: 'warn',
  fields: { msgId: 'id of the message', reason: 'what went wrong' },
  says: 'the message {msgId} could not be given back, it is consumed again here: {reason}',
})

/** A part of the trace could not be sent; it is lost. */
export const traceNotSent = defineEvent({
  name: 'client.trace.failed',
  level: 'warn',
  fields: { topic: 'topic of the trace', reason: 'what went wrong' },
  says: 'a part of the trace could not be sent to {topic}: {reason}',
})

/** Queues could not be allocated; it is tried again. */
export const rebalanceFailed = defineEvent({
  name: 'client.rebalance.failed',
  level: 'warn',
  fields: { topic: 'topic', reason: 'what went wrong' },
  says: 'the queues of {topic} could not be allocated: {reason}',
})

/** The queues of a group changed hands. */
export const queuesAllocated = defineEvent({
  name: 'client.rebalance.done',
  level: 'debug',
  fields: { topic: 'topic', added: 'queues that are new here', dropped: 'queues that are gone' },
  says: '{topic}: {added} queues added, {dropped} dropped',
})

/** Something that nobody waits for failed in a way that nobody expected; the client continues. */
export const backgroundFailed = defineEvent({
  name: 'client.background.failed',
  level: 'error',
  fields: { what: 'what was done', reason: 'what was thrown, and where' },
  says: '{what} failed: {reason}',
})
