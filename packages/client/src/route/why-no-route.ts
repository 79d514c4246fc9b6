import {
  GetAllTopicListFromNameserver,
  isSystemTopic,
  namespaceOf,
  SystemTopic,
  topicListBody,
  withoutNamespace,
  type ClusterInfo,
} from '@skylarkmq/protocol'
import { RocketMQError, RouteNotFoundError } from '../errors.ts'
import type { NameServers } from '../wire/name-servers.ts'
import { nearNames } from './near-names.ts'

/**
 * Finds out on the spot why a topic has no route: no broker is registered, no topic has that name but others have one
 * like it, or it is in another namespace. Never rejects; when nobody can be asked it says what is known.
 */
export async function whyNoRoute(
  nameServers: NameServers,
  topic: string,
): Promise<RouteNotFoundError> {
  const where = `the name server ${nameServers.addresses.join(', ')}`
  try {
    const clusters = await nameServers.clusters()
    const brokers = [...clusters.brokerAddrTable.keys()].sort()
    if (brokers.length === 0) return noBroker(nameServers, topic, where)
    const { body } = await nameServers.call(GetAllTopicListFromNameserver, {})
    const all = topicListBody.decode(body).topicList
    const topics = all.filter((each) => !isSystemTopic(each))
    const count = brokers.length === 1 ? 'one broker' : `${brokers.length} brokers`
    // A broker that makes topics registers the one that it takes for a template.
    const makesTopics = all.includes(SystemTopic.AUTO_CREATE)
    const untilThen = makesTopics
      ? 'which the first message that is sent to it makes'
      : 'and none of them makes topics by itself (autoCreateTopicEnable)'
    const reason = `${where} knows ${count} (${brokers.slice(0, 5).join(', ')}) but no such topic, ${untilThen}`
    const elsewhere = otherNamespace(topic, topics)
    if (elsewhere !== undefined) {
      return new RouteNotFoundError({ topic, reason, advice: elsewhere })
    }
    const similar = nearNames(topic, topics)
    return new RouteNotFoundError({ topic, reason, similar, advice: creation(topic, clusters) })
  } catch (error) {
    if (!(error instanceof RocketMQError)) throw error
    const reason = `${where} knows no such topic, and does not say which there are`
    return new RouteNotFoundError({ topic, reason }, error)
  }
}

function noBroker(nameServers: NameServers, topic: string, where: string): RouteNotFoundError {
  const addresses = nameServers.addresses.join(';')
  return new RouteNotFoundError({
    topic,
    reason: `${where} knows no broker at all`,
    advice: `Start a broker that registers there (namesrvAddr=${addresses} in broker.conf, or skylark broker -n ${addresses}), or give the address of the name server that has one.`,
  })
}

/** What to say when the topic is there, but with another namespace or without one. */
function otherNamespace(topic: string, topics: readonly string[]): string | undefined {
  const plain = withoutNamespace(topic)
  const found = topics.find((each) => each !== topic && withoutNamespace(each) === plain)
  if (found === undefined) return undefined
  const namespace = namespaceOf(found)
  const wanted =
    namespace === '' ? 'without the option namespace' : `with namespace: '${namespace}'`
  return `There is a topic ${found}: make the client ${wanted}.`
}

function creation(topic: string, { clusterAddrTable }: ClusterInfo): string {
  const [cluster = 'DefaultCluster'] = clusterAddrTable.keys()
  return `Create it, by mq.admin().topics.create('${topic}') or mqadmin updateTopic -c ${cluster} -t ${topic}.`
}
