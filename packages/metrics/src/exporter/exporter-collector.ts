import { DLQ_PREFIX, isDlqTopic, isRetryTopic } from '@skylarkmq/protocol'
import { topicsOf, type BrokerSource } from '../broker/source.ts'
import { labels, type Collector, type Family, type Sample, type Turns } from '../family.ts'
import { runtimeFamilies } from './runtime.ts'

const PAIRS_PER_LOOK = 16

/** Where a group is in a topic, as rocketmq-exporter computes it from GET_CONSUME_STATS. */
interface Progress {
  readonly group: string
  readonly topic: string
  readonly diff: number
  readonly consumed: number
  readonly latencyMs: number
}

/**
 * What Apache's rocketmq-exporter (0.0.3) makes of a broker's answers, under its names and labels and without a request: its
 * boards and alerts work without it. It leaves out what only clients know (`rocketmq_client_*`) and what is of slaves.
 */
export function exporterCollector(source: BrokerSource): Collector {
  const { broker } = source
  return async function* (turns) {
    yield* topicFamilies(source)
    const all = await gather(source, turns)
    yield* groupFamilies(source, all)
    yield* brokerFamilies(source)
    yield* runtimeFamilies(broker)
  }
}

function* topicFamilies(source: BrokerSource): Iterable<Family> {
  const { broker } = source
  const place = placeOf(source)
  const isPlain = (topic: string): boolean => !isRetryTopic(topic) && !isDlqTopic(topic)
  function* offsets(isOf: (topic: string) => boolean, name: (topic: string) => string) {
    for (const { topicName, writeQueueNums } of topicsOf(broker)) {
      if (!isOf(topicName)) continue
      let sum = 0
      for (let id = 0; id < writeQueueNums; id++) sum += broker.store.offsetMax(topicName, id)
      yield [name(topicName), sum] as const
    }
  }
  const ofTopic = (topic: string): string => labels({ topic }, place)
  yield gauge(
    'rocketmq_producer_offset',
    'Sum of the offsets of a topic.',
    offsets(isPlain, ofTopic),
  )
  yield gauge(
    'rocketmq_topic_retry_offset',
    'The same of a retry topic.',
    offsets(isRetryTopic, ofTopic),
  )
  yield gauge(
    'rocketmq_topic_dlq_offset',
    'The same of the dead letters of a group.',
    offsets(isDlqTopic, (topic) => labels({ group: topic.slice(DLQ_PREFIX.length) }, place)),
  )
  function* minute(name: 'TOPIC_PUT_NUMS' | 'TOPIC_PUT_SIZE'): Iterable<Sample> {
    for (const [topic, item] of broker.stats.all(name))
      if (isPlain(topic)) yield [labels({ topic }, place), item.lastMinute.tps]
  }
  yield gauge(
    'rocketmq_producer_tps',
    'Messages stored a second, of the last minute.',
    minute('TOPIC_PUT_NUMS'),
  )
  yield gauge(
    'rocketmq_producer_message_size',
    'Bytes stored a second, of the last minute.',
    minute('TOPIC_PUT_SIZE'),
  )
}

async function gather(source: BrokerSource, turns: Turns): Promise<readonly Progress[]> {
  const { broker, storeTimes } = source
  storeTimes.forgetOld()
  const found: Progress[] = []
  let count = 0
  for (const key of [...broker.offsets.all.keys()]) {
    if (++count % PAIRS_PER_LOOK === 0 && turns.isOver) await turns.next()
    const at = key.indexOf('@')
    const [topic, group] = [key.slice(0, at), key.slice(at + 1)]
    const queues = broker.topics.get(topic)?.readQueueNums
    if (queues !== undefined && !group.includes('@'))
      found.push(progressOf(source, group, topic, queues))
  }
  return found
}

function progressOf(
  { broker, storeTimes, clock }: BrokerSource,
  group: string,
  topic: string,
  queues: number,
): Progress {
  let [diff, consumed, latencyMs] = [0, 0, 0]
  for (let id = 0; id < queues; id++) {
    const offset = broker.offsets.committed(group, topic, id) ?? 0
    const behind = broker.store.offsetMax(topic, id) - offset
    consumed += offset
    diff += behind
    if (behind <= 0) continue
    const from = Math.max(offset, broker.store.offsetMin(topic, id))
    const storedMs = storeTimes.of(`${topic}@${group}`, topic, id, from)
    if (storedMs > 0) latencyMs = Math.max(latencyMs, clock.now() - storedMs)
  }
  return { group, topic, diff, consumed, latencyMs }
}

function* groupFamilies(source: BrokerSource, all: readonly Progress[]): Iterable<Family> {
  const { broker } = source
  const place = placeOf(source)
  function* diffs(isOf: (topic: string) => boolean): Iterable<Sample> {
    for (const { group, topic, diff } of all) {
      const connected = broker.consumers.get(group)
      if (!isOf(topic) || connected?.messageModel === 'BROADCASTING') continue
      const countOfOnlineConsumers = String(connected?.byId.size ?? 0)
      yield [labels({ group, topic, countOfOnlineConsumers, msgModel: '1' }), diff]
    }
  }
  function* each(value: (progress: Progress) => number | undefined): Iterable<Sample> {
    for (const progress of all) {
      const { group, topic } = progress
      const found = value(progress)
      if (found !== undefined && !isRetryTopic(topic) && !isDlqTopic(topic))
        yield [labels({ topic, group }, place), found]
    }
  }
  const minute = (name: string, { group, topic }: Progress) =>
    broker.stats.find(name, `${topic}@${group}`)?.lastMinute
  const isPlain = (topic: string): boolean => !isRetryTopic(topic) && !isDlqTopic(topic)
  yield gauge('rocketmq_group_diff', 'Messages not consumed.', diffs(isPlain))
  yield gauge('rocketmq_group_retrydiff', 'Retries not consumed.', diffs(isRetryTopic))
  yield gauge('rocketmq_group_dlqdiff', 'Dead letters not consumed.', diffs(isDlqTopic))
  yield gauge('rocketmq_group_count', 'Members of a group.', memberSamples(source))
  yield gauge(
    'rocketmq_consumer_offset',
    'Sum of the offsets committed.',
    each(({ consumed }) => consumed),
  )
  yield gauge(
    'rocketmq_group_get_latency_by_storetime',
    'Age of the first message not consumed, ms.',
    each(({ latencyMs }) => latencyMs),
  )
  yield gauge(
    'rocketmq_consumer_tps',
    'Messages a second, of the last minute.',
    each((progress) => minute('GROUP_GET_NUMS', progress)?.tps),
  )
  yield gauge(
    'rocketmq_consumer_message_size',
    'Bytes a second, of the last minute.',
    each((progress) => minute('GROUP_GET_SIZE', progress)?.tps),
  )
  yield gauge(
    'rocketmq_send_back_nums',
    'Messages sent back in the last minute.',
    each((progress) => minute('SNDBCK_PUT_NUMS', progress)?.sum),
  )
}

/** Addresses and ids of members that are shown; a group may have thousands. */
const SHOWN_MAX = 32

function* memberSamples({ broker }: BrokerSource): Iterable<Sample> {
  for (const group of broker.groups.all.keys()) {
    const members = [...(broker.consumers.get(group)?.clients.values() ?? [])]
    const shown = members.slice(0, SHOWN_MAX)
    const caddr = shown.map(({ connection }) => connection.peer).join(',')
    const localaddr = shown.map(({ clientId }) => clientId).join(',')
    yield [labels({ caddr, localaddr, group }), members.length]
  }
}

function* brokerFamilies(source: BrokerSource): Iterable<Family> {
  const { broker } = source
  const { brokerClusterName: cluster, brokerName } = broker.config
  const of = labels({ cluster, brokerIP: broker.address, broker: brokerName })
  const tps = (name: string): number => broker.stats.find(name, cluster)?.lastMinute.tps ?? 0
  yield gauge('rocketmq_broker_tps', 'Messages stored a second, of the last minute.', [
    [of, tps('BROKER_PUT_NUMS')],
  ])
  yield gauge('rocketmq_broker_qps', 'Messages given out a second, of the last minute.', [
    [of, tps('BROKER_GET_NUMS')],
  ])
  function* producers(): Iterable<Sample> {
    for (const group of broker.producers.groups) {
      const count = [...(broker.producers.clientsOf(group) ?? [])].length
      yield [labels({ group }, placeOf(source)), count]
    }
  }
  yield gauge('rocketmq_producer_count', 'Members of a group of producers.', producers())
}

function placeOf({ broker }: BrokerSource): string {
  const { brokerClusterName: cluster, brokerName } = broker.config
  return labels({ cluster, broker: brokerName })
}

function gauge(name: string, help: string, samples: Iterable<Sample>): Family {
  return { name, type: 'gauge', help, samples }
}
