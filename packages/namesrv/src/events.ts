import { defineEvent } from '@skylarkmq/env'

/** A broker registered. */
export const brokerRegistered = defineEvent({
  name: 'namesrv.broker.registered',
  level: 'info',
  fields: {
    broker: 'name of the broker',
    id: 'broker id',
    address: 'its address',
    cluster: 'its cluster',
  },
  says: 'broker {broker} of cluster {cluster} registered with id {id} at {address}',
})

/** A broker was removed from the routes. */
export const brokerRemoved = defineEvent({
  name: 'namesrv.broker.removed',
  level: 'info',
  fields: { broker: 'name of the broker', id: 'broker id', address: 'its address', reason: 'why' },
  says: 'broker {broker}, id {id}, at {address} was removed from the routes: {reason}',
})

/** Another process took a broker's id. */
export const brokerDisplaced = defineEvent({
  name: 'namesrv.broker.displaced',
  level: 'warn',
  fields: {
    broker: 'name of the broker',
    id: 'broker id',
    before: 'address that had the id',
    address: 'address that has it now',
  },
  says: 'broker {broker}, id {id}, is now at {address} and no longer at {before}: give two brokers different names or ids',
})

/** Some topics of a registration are invalid, or a limit is reached; reported once per broker. */
export const topicsLeftOut = defineEvent({
  name: 'namesrv.topics.leftout',
  level: 'warn',
  fields: { broker: 'name of the broker', address: 'its address', count: 'how many' },
  says: '{count} topics of broker {broker} at {address} are not in the routes: their names are invalid, they have more queues than maxQueuesPerTopic allows, or maxRoutes is reached',
})

/** A table reached the limit that an option sets; reported once until it shrinks. */
export const namesrvTableFull = defineEvent({
  name: 'namesrv.table.full',
  level: 'warn',
  fields: {
    table: 'what the table holds',
    option: 'the option that bounds it',
    limit: 'its value',
  },
  says: 'the table of {table} is full and takes no more entries: {option}={limit}',
})

/** The KV configuration could not be saved at the stop. */
export const kvConfigNotSaved = defineEvent({
  name: 'namesrv.kvconfig.notsaved',
  level: 'error',
  fields: { reason: 'why' },
  says: 'the last changes of the KV configuration, which were not acknowledged, could not be written: {reason}',
})
