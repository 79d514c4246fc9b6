import { defineEvent } from '@skylarkmq/env'

/** A broker made itself known. */
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

/** A broker is gone from the routes. */
export const brokerRemoved = defineEvent({
  name: 'namesrv.broker.removed',
  level: 'info',
  fields: { broker: 'name of the broker', id: 'broker id', address: 'its address', reason: 'why' },
  says: 'broker {broker}, id {id}, at {address} left the routes: {reason}',
})

/** The KV configuration could not be read at the start. */
export const kvConfigUnreadable = defineEvent({
  name: 'namesrv.kvconfig.unreadable',
  level: 'error',
  fields: { path: 'file', reason: 'what is wrong with it' },
  says: 'the KV configuration {path} cannot be read and is taken for empty: {reason}',
})
