import { isRetryTopic } from '@skylarkmq/protocol'
import { labels, type Collector, type Sample } from '../family.ts'
import { gatherLags, isInApache, type TopicLag } from './lags.ts'
import { isSystem, type BrokerSource } from './source.ts'

const APACHE = {
  rocketmq_consumer_lag_messages: [
    'Messages that a group with members has not consumed.',
    ({ messages }: TopicLag) => messages,
  ],
  rocketmq_consumer_lag_latency_milliseconds: [
    'Age of the first of them.',
    ({ ageMs }: TopicLag) => ageMs,
  ],
  rocketmq_consumer_inflight_messages: [
    'Messages that clients have and are not done with.',
    ({ inFlight }: TopicLag) => inFlight,
  ],
  rocketmq_consumer_queueing_latency_milliseconds: [
    'Age of the first message that nobody has pulled.',
    ({ queueingMs }: TopicLag) => queueingMs,
  ],
  rocketmq_consumer_ready_messages: [
    'Messages that nobody has pulled.',
    ({ messages, inFlight }: TopicLag) => messages - inFlight,
  ],
} as const

const OWN = {
  skylark_group_backlog_messages: [
    'Messages that a group has not consumed, whether it has members or not.',
    ({ messages }: TopicLag) => messages,
  ],
  skylark_group_backlog_seconds: [
    'Age of the first of them.',
    ({ ageMs }: TopicLag) => ageMs / 1000,
  ],
} as const

/** How far groups are behind: Apache's series, and ours of all groups, those without members too. */
export function lagging(source: BrokerSource): Collector {
  const { common } = source
  return async function* (turns) {
    const lags = await gatherLags(source, turns)
    const inApache = lags.filter(isInApache)
    const ofApache = inApache.map((lag) => apacheLabels(source, lag))
    for (const [name, [help, value]] of Object.entries(APACHE)) {
      yield { name, type: 'gauge', help, samples: inTurn(inApache, ofApache, value) }
    }
    const clustering = lags.filter(({ isBroadcast }) => !isBroadcast)
    const ofClustering = clustering.map(({ group, topic, isOnline }) =>
      labels({ consumer_group: group, topic, online: isOnline }, common),
    )
    for (const [name, [help, value]] of Object.entries(OWN)) {
      yield { name, type: 'gauge', help, samples: inTurn(clustering, ofClustering, value) }
    }
    yield {
      name: 'skylark_group_lag_reason_messages',
      type: 'gauge',
      help: 'Messages of groups that are behind, by the reason that most of them wait for.',
      samples: reasons(common, lags),
    }
    yield {
      name: 'skylark_subscription_conflicts',
      type: 'gauge',
      help: '1 for a group whose members want different things.',
      samples: conflicts(source),
    }
  }
}

function apacheLabels({ broker, common }: BrokerSource, { group, topic }: TopicLag): string {
  const is = { is_retry: isRetryTopic(topic), is_system: isSystem(broker, topic, group) }
  return labels({ consumer_group: group, topic, ...is }, common)
}

/** The same labels serve several names: to write them is most of the work. */
function* inTurn(
  lags: readonly TopicLag[],
  labelsOf: readonly string[],
  value: (lag: TopicLag) => number,
): Iterable<Sample> {
  for (const [i, lag] of lags.entries()) yield [labelsOf[i] ?? '', value(lag)]
}

function* reasons(common: string, lags: readonly TopicLag[]): Iterable<Sample> {
  for (const { group, topic, reason, messages } of lags) {
    if (messages > 0) yield [labels({ consumer_group: group, topic, reason }, common), messages]
  }
}

function* conflicts({ broker, common }: BrokerSource): Iterable<Sample> {
  for (const { groupName, conflicts: watch } of broker.consumers.all.values()) {
    if (watch.isInConflict) yield [labels({ consumer_group: groupName }, common), 1]
  }
}
