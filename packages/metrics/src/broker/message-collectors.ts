import type { Histogram } from '@skylarkmq/env'
import { MessageKind, type TransactionMeter } from '@skylarkmq/broker'
import { isDlqTopic, isRetryTopic, SystemTopic } from '@skylarkmq/protocol'
import { labels, type Collector, type Sample } from '../family.ts'
import { isSystem, type BrokerSource } from './source.ts'

const KINDS = Object.entries(MessageKind)

/** What came in. Retry topics and dead letters are in none of these, as in Apache. */
export function incoming({ broker, common }: BrokerSource): Collector {
  const { topics } = broker.stats.meter
  function* each<T extends number | Histogram>(
    value: (topic: string, kind: MessageKind) => T | undefined,
  ): Iterable<readonly [string, T]> {
    for (const topic of topics.keys()) {
      if (isRetryTopic(topic) || isDlqTopic(topic)) continue
      const is_system = isSystem(broker, topic)
      for (const [message_type, kind] of KINDS) {
        const found = value(topic, kind)
        if (found !== undefined) yield [labels({ topic, message_type, is_system }, common), found]
      }
    }
  }
  const positive = (value: number | undefined): number | undefined =>
    value === undefined || value === 0 ? undefined : value
  return function* () {
    yield {
      name: 'rocketmq_messages_in_total',
      type: 'counter',
      help: 'Messages stored.',
      samples: each((topic, kind) => positive(topics.get(topic)?.messages[kind])),
    }
    yield {
      name: 'rocketmq_throughput_in_total',
      type: 'counter',
      help: 'Bytes of messages stored.',
      samples: each((topic, kind) => positive(topics.get(topic)?.bytes[kind])),
    }
    yield {
      name: 'rocketmq_message_size',
      type: 'histogram',
      help: 'Bytes of a message as it is stored.',
      samples: each((topic, kind) => topics.get(topic)?.sizesOf(kind)),
    }
  }
}

/** What went out, by group. */
export function outgoing({ broker, common }: BrokerSource): Collector {
  const { stats } = broker
  const scheduled = labels(
    { topic: SystemTopic.SCHEDULE, consumer_group: 'SCHEDULE_CONSUMER', is_system: true },
    common,
  )
  function* each(name: 'GROUP_GET_NUMS' | 'GROUP_GET_SIZE', delayed: number): Iterable<Sample> {
    for (const [key, { sum }] of stats.all(name)) {
      const at = key.indexOf('@')
      const topic = key.slice(0, at)
      if (sum === 0 || isRetryTopic(topic) || isDlqTopic(topic)) continue
      const consumer_group = key.slice(at + 1)
      const is_system = isSystem(broker, topic, consumer_group)
      yield [labels({ topic, consumer_group, is_system }, common), sum]
    }
    if (delayed > 0) yield [scheduled, delayed]
  }
  return function* () {
    yield {
      name: 'rocketmq_messages_out_total',
      type: 'counter',
      help: 'Messages given to consumers.',
      samples: each('GROUP_GET_NUMS', stats.meter.delivered),
    }
    yield {
      name: 'rocketmq_throughput_out_total',
      type: 'counter',
      help: 'Bytes of messages given to consumers.',
      samples: each('GROUP_GET_SIZE', stats.meter.deliveredBytes),
    }
  }
}

/** Dead letters and transactions. */
export function outcomes({ broker, common }: BrokerSource): Collector {
  const { meter } = broker.stats
  function* dead(): Iterable<Sample> {
    for (const [consumer_group, topics] of meter.deadLetters) {
      for (const [topic, count] of topics) {
        const is_system = isSystem(broker, topic, consumer_group)
        yield [labels({ consumer_group, topic, is_system }, common), count]
      }
    }
  }
  function* transactions<T extends number | Histogram>(
    value: (of: TransactionMeter) => T | undefined,
  ): Iterable<readonly [string, T]> {
    for (const [topic, each] of meter.transactions) {
      const found = value(each)
      if (found !== undefined) yield [labels({ topic }, common), found]
    }
  }
  return function* () {
    yield {
      name: 'rocketmq_send_to_dlq_messages_total',
      type: 'counter',
      help: 'Messages that became dead letters, by the topic where they come from.',
      samples: dead(),
    }
    yield {
      name: 'rocketmq_half_messages',
      type: 'gauge',
      help: 'Half messages stored since the start whose transaction has no end yet.',
      samples: transactions(({ open }) => open),
    }
    yield {
      name: 'rocketmq_commit_messages_total',
      type: 'counter',
      help: 'Transactions committed.',
      samples: transactions(({ committed }) => (committed === 0 ? undefined : committed)),
    }
    yield {
      name: 'rocketmq_rollback_messages_total',
      type: 'counter',
      help: 'Transactions rolled back.',
      samples: transactions(({ rolledBack }) => (rolledBack === 0 ? undefined : rolledBack)),
    }
    yield {
      name: 'rocketmq_finish_message_latency_milliseconds',
      type: 'histogram',
      help: 'From the birth of a message to its commit, in seconds in spite of the name, as in Apache.',
      samples: transactions(({ committed, finishTimes }) =>
        committed === 0 ? undefined : finishTimes,
      ),
    }
  }
}
