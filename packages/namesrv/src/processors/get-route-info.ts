import {
  encodeTopicRouteData,
  Perm,
  ResponseCode,
  Version,
  type BrokerData,
  type GetRouteinfoByTopic,
  type QueueData,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import { refuse, type Connection, type Processor } from '@skylarkmq/remoting'
import { ORDER_TOPIC_CONFIG } from '../kv-config.ts'
import type { NameServerContext } from '../name-server-context.ts'
import type { BrokerGroup } from '../route-table.ts'

const SYNC_MEMBER_PREFIX = 'rmq_sys_SYNC_BROKER_MEMBER_'

/** GET_ROUTEINFO_BY_TOPIC: which brokers have a topic. Apache: `ClientRequestProcessor.java`. */
export const getRouteInfo: Processor<NameServerContext, typeof GetRouteinfoByTopic> = (
  server,
  request,
) => {
  const { header, version, connection } = request
  const { config, env, startedMs } = server
  const youngUntil = startedMs + config.waitSecondsForService * 1000
  if (config.needWaitForService && env.clock.now() < youngUntil) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'name server not ready')
  }
  const route = routeOf(server, header.topic, connection)
  if (route === undefined) {
    return refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `No topic route info in name server for the topic: ${header.topic}\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.`,
    )
  }
  const inZone = header.zoneMode === true && (header.zoneName ?? '').trim() !== ''
  if (inZone) {
    const body = encodeTopicRouteData(ofZone(route, header.zoneName ?? ''), 'fastjson')
    return { code: ResponseCode.SUCCESS, body }
  }
  const isStandard = version >= Version.V4_9_4 || header.acceptStandardJsonOnly === true
  return {
    code: ResponseCode.SUCCESS,
    body: encodeTopicRouteData(route, isStandard ? 'standard' : 'fastjson'),
  }
}

function routeOf(
  server: NameServerContext,
  topic: string,
  connection: Connection,
): TopicRouteData | undefined {
  const { routes, config, kv } = server
  const queues = routes.topics.get(topic)
  if (queues === undefined) return undefined
  const queueDatas = [...queues.values()]
  const groups = queueDatas.flatMap(({ brokerName }) => routes.brokers.get(brokerName) ?? [])
  if (groups.length === 0) return undefined
  const filterServerTable = new Map<string, readonly string[]>()
  const brokerDatas = groups.map((group) => {
    for (const address of group.members.values()) {
      const servers = routes.filterServersOf(group.brokerName, address)
      if (servers !== undefined) filterServerTable.set(address, servers)
    }
    return brokerDataFor(server, group, connection)
  })
  const isActing = config.supportActingMaster && !topic.startsWith(SYNC_MEMBER_PREFIX)
  return {
    queueDatas,
    brokerDatas: isActing
      ? brokerDatas.map((data) => withActingMaster(data, queues.get(data.brokerName)))
      : brokerDatas,
    filterServerTable,
    orderTopicConf: config.orderMessageEnable ? kv.get(ORDER_TOPIC_CONFIG, topic) : undefined,
    topicQueueMappingByBroker: routes.mappings.get(topic),
  }
}

/**
 * The members of a group, each with an address that the asker can reach: for a broker of this host that listens on
 * all addresses, loopback if the asker is on loopback, otherwise the address at which the asker reached us.
 */
export function brokerDataFor(
  { routes }: NameServerContext,
  group: BrokerGroup,
  connection: Connection,
): BrokerData {
  const brokerAddrs = new Map<number, string>()
  for (const [id, address] of group.members) {
    const port = routes.liveAt(group.brokerName, address)?.followsAskerPort
    brokerAddrs.set(id, port === undefined ? address : `${hostFor(connection)}:${port}`)
  }
  const { cluster, brokerName, enableActingMaster, zoneName } = group
  return { cluster, brokerName, brokerAddrs, enableActingMaster, zoneName }
}

function hostFor({ socket }: Connection): string {
  return isLoopback(socket.remoteAddress) ? '127.0.0.1' : socket.localAddress
}

/** Whether an address is reachable from its own host only. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** For a group without a master and with read-only queues, shows the slave with the least id as master. */
function withActingMaster(data: BrokerData, queues: QueueData | undefined): BrokerData {
  if (data.brokerAddrs.size === 0 || data.brokerAddrs.has(0) || !data.enableActingMaster)
    return data
  if (queues === undefined || (queues.perm & Perm.WRITE) !== 0) return data
  const brokerAddrs = new Map(data.brokerAddrs)
  let least = Infinity
  for (const id of brokerAddrs.keys()) least = Math.min(least, id)
  const address = brokerAddrs.get(least)
  brokerAddrs.delete(least)
  if (address !== undefined) brokerAddrs.set(0, address)
  return { ...data, brokerAddrs }
}

/** The brokers of one zone, and groups without a master. Apache: `ZoneRouteRPCHook.java`. */
function ofZone(route: TopicRouteData, zone: string): TopicRouteData {
  const brokerDatas = route.brokerDatas.filter(
    (data) => !data.brokerAddrs.has(0) || data.zoneName?.toLowerCase() === zone.toLowerCase(),
  )
  const names = new Set(brokerDatas.map((data) => data.brokerName))
  const queueDatas = route.queueDatas.filter((data) => names.has(data.brokerName))
  return { ...route, brokerDatas, queueDatas }
}
