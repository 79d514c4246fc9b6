import { defineEvent } from '@skylarkmq/env'

/** The broker serves. */
export const brokerStarted = defineEvent({
  name: 'broker.started',
  level: 'info',
  fields: { broker: 'name of the broker', address: 'its address' },
  says: 'broker {broker} serves at {address}',
})

/** A name server did not take a registration. */
export const registrationFailed = defineEvent({
  name: 'broker.registration.failed',
  level: 'warn',
  fields: { namesrv: 'address of the name server', reason: 'why' },
  says: 'the name server {namesrv} did not take the registration: {reason}',
})

/** A name server took a registration, for the first time or after failures. */
export const registered = defineEvent({
  name: 'broker.registered',
  level: 'info',
  fields: { namesrv: 'address of the name server' },
  says: 'registered with the name server {namesrv}',
})

/** Another process registers under this broker's name and id: one displaces the other, again and again. */
export const nameShared = defineEvent({
  name: 'broker.name.shared',
  level: 'warn',
  fields: {
    namesrv: 'address of the name server',
    broker: 'the name',
    id: 'the broker id',
    other: 'address of the other process',
  },
  says: 'the name server {namesrv} had broker {broker}, id {id}, at {other}: this broker takes its place. If that one still runs, give the two different names or ids',
})

/** A delayed message is due and the store did not take it; it is tried again. */
export const deliveryFailed = defineEvent({
  name: 'broker.schedule.failed',
  level: 'warn',
  fields: { topic: 'topic of the message', reason: 'why' },
  says: 'a delayed message of {topic} could not be delivered and is tried again: {reason}',
})

/** A file of config/ has a name that cannot be one; it stays out of the table. */
export const entryLeftOut = defineEvent({
  name: 'broker.table.leftout',
  level: 'warn',
  fields: { path: 'the file', name: 'the name, quoted' },
  says: '{path}: {name} is no name that a topic can have; it is left out',
})

/** A file of config/ could not be written; it is tried again. */
export const tableNotSaved = defineEvent({
  name: 'broker.table.notsaved',
  level: 'error',
  fields: { table: 'which table', reason: 'why' },
  says: 'the table of {table} could not be written and is tried again: {reason}',
})

/** A table has as much in it as its option allows; said once, until it is emptier. */
export const tableFull = defineEvent({
  name: 'broker.table.full',
  level: 'warn',
  fields: {
    table: 'what the table holds',
    option: 'the option that bounds it',
    limit: 'its value',
  },
  says: 'the table of {table} is full, and requests that would put more into it are refused: {option}={limit} allows no more',
})

/** A topic of topics.json has more queues than are allowed. */
export const tooManyQueues = defineEvent({
  name: 'broker.topic.toomanyqueues',
  level: 'error',
  fields: { topic: 'name of the topic', queues: 'its queues', limit: 'how many are allowed' },
  says: 'the topic {topic} has {queues} queues in topics.json, and only {limit} are served: set maxQueuesPerTopic to more, and start the broker again',
})

/** Members of one group subscribe to different things. */
export const subscriptionsDiffer = defineEvent({
  name: 'broker.consumer.subscriptionsdiffer',
  level: 'warn',
  fields: {
    group: 'name of the group',
    topic: 'topic on which they differ',
    one: 'a member, `clientId: expression`',
    other: 'another member, in the same form',
  },
  says: 'members of the group {group} want different messages of {topic}, so some are missed: {one}; {other}. Give all members of a group the same subscription.',
})

/** A half message was given up: its producers were asked as often as is allowed. */
export const halfGivenUp = defineEvent({
  name: 'broker.transaction.givenup',
  level: 'warn',
  fields: {
    topic: 'topic of the message',
    group: 'group of its producer',
    uniqKey: 'unique key of the message',
  },
  says: 'nobody of the producer group {group} says what became of the transaction of message {uniqKey} for {topic}; it was moved to TRANS_CHECK_MAX_TIME_TOPIC, where `resumeCheckHalfMessage` finds it',
})

/** Half messages could not be read; it is tried again. */
export const halvesNotRead = defineEvent({
  name: 'broker.transaction.notread',
  level: 'error',
  fields: { reason: 'why' },
  says: 'half messages could not be read, which is tried again: {reason}',
})
