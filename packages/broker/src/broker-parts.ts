import type { Part } from '@skylarkmq/env'
import type { RemotingServer } from '@skylarkmq/remoting'
import type { BrokerContext } from './broker-context.ts'
import { brokerStarted } from './events.ts'
import { housekeeping, trySaving } from './housekeeping.ts'
import { MessageKind } from './stats/message-meter.ts'

/**
 * A running broker's parts, in the order of their start: what delivers and saves before what serves, and the name
 * servers hear of it last. They stop the other way round: it leaves the routes, takes no more connections, answers those
 * who wait, and saves; the store shuts last but one, for it answers the sends that wait for the disk.
 */
export function brokerParts(context: BrokerContext, server: RemotingServer): readonly Part[] {
  const { store, flow, schedule, transactions, registration, held, role } = context
  role.onChange(() => {
    store.roleChanged()
  })
  return [
    {
      name: 'progress of delayed messages',
      // Once the store is shut it is known what is on disk.
      stop: () => {
        if (role.isSlave) return
        trySaving(context.env, 'delay offsets', () => {
          schedule.saveLast()
        })
      },
    },
    {
      name: 'store',
      start: () => {
        listen(context, server)
        store.start()
      },
      stop: () => store.shutdown(),
    },
    { name: 'tables', stop: () => saveTables(context) },
    role.ofMaster('delayed messages', schedule),
    role.ofMaster('transactions', transactions),
    { name: 'flow control', start: () => flow.start(), stop: () => flow.stop() },
    { name: 'held pulls', stop: () => held.wakeAll() },
    housekeeping(context),
    {
      name: 'server',
      start: () => {
        server.serve()
        const { address, config, env } = context
        env.events.emit(brokerStarted, { broker: config.brokerName, address })
      },
      stop: () => server.stopListening(),
    },
    { name: 'routes', start: () => registration.start(), stop: () => registration.stop() },
  ]
}

/** Has parts hear of each other. */
function listen(context: BrokerContext, server: RemotingServer): void {
  const { store, consumers, producers, held, topics, registration, stats } = context
  server.onClosed((connection) => {
    consumers.closed(connection)
    producers.closed(connection)
  })
  store.watch(held)
  topics.onChange(({ topicName }) => {
    store.topicChanged(topicName)
    registration.changed(topicName)
  })
  store.onTimedDelivery((topic, sizeBytes) => {
    stats.topicPut(topic, 1, sizeBytes, MessageKind.delay)
  })
}

async function saveTables({
  env,
  topics,
  groups,
  requestModes,
  offsets,
  filters,
}: BrokerContext): Promise<void> {
  trySaving(env, 'topics and groups', () => {
    topics.saveLast()
    groups.saveLast()
    requestModes.saveLast()
  })
  trySaving(env, 'consumer offsets', () => {
    offsets.save()
  })
  trySaving(env, 'consumer filters', () => {
    filters.save()
  })
  await offsets.settled()
}
