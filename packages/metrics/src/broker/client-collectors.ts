import { languageName, versionName } from '@skylarkmq/protocol'
import { labels, single, type Collector, type Sample } from '../family.ts'
import { isSystem, type BrokerSource } from './source.ts'

const MODES = {
  CONSUME_ACTIVELY: 'pull',
  CONSUME_PASSIVELY: 'push',
  CONSUME_POP: 'pop',
} as const

/** Who is connected, and what there is of topics and groups. */
export function clients(source: BrokerSource): Collector {
  const { broker, common } = source
  const one = (name: string, help: string, value: number) =>
    single(name, 'gauge', help, common, value)
  return function* () {
    yield one(
      'rocketmq_broker_permission',
      'What the broker may do: 2 write, 4 read, 6 both.',
      broker.config.brokerPermission,
    )
    yield one('rocketmq_topic_number', 'Topics, with those of the broker.', broker.topics.all.size)
    yield one(
      'rocketmq_consumer_group_number',
      'Consumer groups, with those of the broker.',
      broker.groups.all.size,
    )
    yield {
      name: 'rocketmq_producer_connections',
      type: 'gauge',
      help: 'Connections of producers.',
      samples: countedBy(producers(source)),
    }
    yield {
      name: 'rocketmq_consumer_connections',
      type: 'gauge',
      help: 'Connections of consumers.',
      samples: countedBy(consumers(source)),
    }
    yield one('skylark_open_connections', 'Connections of all kinds.', source.connections())
  }
}

function* countedBy(all: Iterable<string>): Iterable<Sample> {
  const counts = new Map<string, number>()
  for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1)
  yield* counts
}

function* producers({ broker, common }: BrokerSource): Iterable<string> {
  // One client in several groups counts for each, as in Apache.
  for (const group of broker.producers.groups) {
    for (const { language, version } of broker.producers.clientsOf(group) ?? []) {
      yield labels({ ...client(language, version), protocol_type: 'remoting' }, common)
    }
  }
}

function* consumers({ broker, common }: BrokerSource): Iterable<string> {
  for (const { groupName, clients: members, consumeType } of broker.consumers.all.values()) {
    const rest = {
      consume_mode: MODES[consumeType],
      protocol_type: 'remoting',
      is_system: isSystem(broker, '', groupName),
    }
    for (const { language, version } of members.values()) {
      const is = client(language, version)
      yield labels({ consumer_group: groupName, ...is, ...rest }, common)
    }
  }
}

function client(language: number | undefined, version: number) {
  return {
    language: (languageName(language) ?? 'other').toLowerCase(),
    version: versionName(version).toLowerCase(),
  }
}
