import {
  clusterInfoBody,
  decodeTopicRouteData,
  Perm,
  ResponseCode,
  topicListBody,
  TopicSysFlag,
  type AddWritePermOfBroker,
  type DeleteTopicInNamesrv,
  type GetAllTopicListFromNameserver,
  type GetBrokerClusterInfo,
  type GetHasUnitSubTopicList,
  type GetHasUnitSubUnunitTopicList,
  type GetSystemTopicListFromNs,
  type GetTopicsByCluster,
  type GetUnitTopicList,
  type RegisterTopicInNamesrv,
  type WipeWritePermOfBroker,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor, type Reply } from '@skylarkmq/remoting'
import type { NameServerContext } from '../name-server-context.ts'
import { brokerDataFor } from './get-route-info.ts'

function topicList(topics: Iterable<string>, brokerAddr?: string): Reply {
  const body = topicListBody.encode({ topicList: [...topics], brokerAddr })
  return { code: ResponseCode.SUCCESS, body }
}

const disabled = refuse(ResponseCode.SYSTEM_ERROR, 'disable')

/** GET_BROKER_CLUSTER_INFO: every broker and every cluster. */
export const getBrokerClusterInfo: Processor<NameServerContext, typeof GetBrokerClusterInfo> = (
  server,
  { connection },
) => {
  const { brokers, clusters } = server.routes
  const body = clusterInfoBody.encode({
    brokerAddrTable: new Map(
      [...brokers].map(([name, group]) => [name, brokerDataFor(server, group, connection)]),
    ),
    clusterAddrTable: new Map([...clusters].map(([name, names]) => [name, [...names]])),
  })
  return { code: ResponseCode.SUCCESS, body }
}

/** GET_ALL_TOPIC_LIST_FROM_NAMESERVER: every topic, including the brokers' own. */
export const getAllTopicList: Processor<
  NameServerContext,
  typeof GetAllTopicListFromNameserver
> = ({ config, routes }) => (config.enableAllTopicList ? topicList(routes.topics.keys()) : disabled)

/** GET_TOPICS_BY_CLUSTER: topics of a cluster's brokers; none when the cluster is unknown. */
export const getTopicsByCluster: Processor<NameServerContext, typeof GetTopicsByCluster> = (
  { config, routes },
  { header },
) => {
  if (!config.enableTopicList) return disabled
  const topics = new Set<string>()
  for (const name of routes.clusters.get(header.cluster) ?? []) {
    for (const topic of routes.queues.topicsOf(name)) topics.add(topic)
  }
  return topicList(topics)
}

/** GET_SYSTEM_TOPIC_LIST_FROM_NS: clusters and broker names, and a broker to ask for the rest. */
export const getSystemTopicList: Processor<NameServerContext, typeof GetSystemTopicListFromNs> = (
  server,
  { connection },
) => {
  const { brokers, clusters } = server.routes
  const names = new Set<string>()
  for (const [cluster, members] of clusters) {
    names.add(cluster)
    for (const name of members) names.add(name)
  }
  const groups = [...brokers.values()].map((group) => brokerDataFor(server, group, connection))
  const first = groups.flatMap((group) => [...group.brokerAddrs.values()])[0]
  return topicList(names, first)
}

/** DELETE_TOPIC_IN_NAMESRV: removes a topic, from one cluster or from all. */
export const deleteTopic: Processor<NameServerContext, typeof DeleteTopicInNamesrv> = (
  { routes },
  { header: { topic, clusterName } },
) => {
  routes.deleteTopic(topic, clusterName === '' ? undefined : clusterName)
  return OK
}

/** REGISTER_TOPIC_IN_NAMESRV: adds a topic to brokers, all of which must be known. */
export const registerTopic: Processor<NameServerContext, typeof RegisterTopicInNamesrv> = (
  { routes },
  { header, body },
) => {
  const queueDatas = body === undefined ? [] : decodeTopicRouteData(body).queueDatas
  if (header.topic === '') return OK
  if (queueDatas.every(({ brokerName }) => routes.brokers.has(brokerName))) {
    for (const data of queueDatas) routes.setQueues(header.topic, data)
  }
  return OK
}

/** WIPE_WRITE_PERM_OF_BROKER: producers avoid a broker until it registers a change. */
export const wipeWritePerm: Processor<NameServerContext, typeof WipeWritePermOfBroker> = (
  { routes },
  { header },
) => {
  const wipeTopicCount = routes.changePerms(header.brokerName, (perm) => perm & ~Perm.WRITE)
  return { code: ResponseCode.SUCCESS, header: { wipeTopicCount } }
}

/** ADD_WRITE_PERM_OF_BROKER: lets producers return. */
export const addWritePerm: Processor<NameServerContext, typeof AddWritePermOfBroker> = (
  { routes },
  { header },
) => {
  const addTopicCount = routes.changePerms(header.brokerName, () => Perm.READ | Perm.WRITE)
  return { code: ResponseCode.SUCCESS, header: { addTopicCount } }
}

function topicsWhere(
  { config, routes }: NameServerContext,
  test: (sysFlag: number) => boolean,
): Reply {
  if (!config.enableTopicList) return disabled
  const found = [...routes.topics].filter(([, queues]) => {
    const first = queues.values().next()
    return first.done !== true && test(first.value.topicSysFlag)
  })
  return topicList(found.map(([topic]) => topic))
}

/** GET_UNIT_TOPIC_LIST: topics of a unit of a multi-site set-up. */
export const getUnitTopicList: Processor<NameServerContext, typeof GetUnitTopicList> = (server) =>
  topicsWhere(server, (flag) => (flag & TopicSysFlag.UNIT) !== 0)

/** GET_HAS_UNIT_SUB_TOPIC_LIST: topics that a unit subscribes to. */
export const getHasUnitSubTopicList: Processor<NameServerContext, typeof GetHasUnitSubTopicList> = (
  server,
) => topicsWhere(server, (flag) => (flag & TopicSysFlag.UNIT_SUB) !== 0)

/** GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: topics to which a unit subscribes and that belong to no unit. */
export const getHasUnitSubUnunitTopicList: Processor<
  NameServerContext,
  typeof GetHasUnitSubUnunitTopicList
> = (server) =>
  topicsWhere(
    server,
    (flag) => (flag & TopicSysFlag.UNIT_SUB) !== 0 && (flag & TopicSysFlag.UNIT) === 0,
  )
