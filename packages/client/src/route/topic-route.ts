import {
  compareQueues,
  isReadable,
  isWriteable,
  ProtocolError,
  type MessageQueue,
  type TopicRouteData,
} from '@skylarkmq/protocol'

/** Broker id of a master. */
export const MASTER_ID = 0

/** Queues per broker that a client asks for when a topic has to be made. */
export const DEFAULT_TOPIC_QUEUE_NUMS = 4

/**
 * The queues of a topic that messages may be sent to: those of `orderTopicConf` when the topic has one,
 * else the writeable queues of every broker name that has a master, by broker name and queue id.
 * Apache: `MQClientInstance.java`, topicRouteData2TopicPublishInfo.
 */
export function publishQueues(topic: string, route: TopicRouteData): MessageQueue[] {
  if (route.orderTopicConf !== undefined && route.orderTopicConf !== '') {
    return orderedQueues(topic, route.orderTopicConf)
  }
  return route.queueDatas
    .filter((each) => isWriteable(each.perm) && masterAddress(route, each.brokerName) !== undefined)
    .flatMap(({ brokerName, writeQueueNums }) => queuesOf(topic, brokerName, writeQueueNums))
    .sort(compareQueues)
}

/**
 * The queues of a topic that messages may be read from, by broker name and queue id.
 * Apache: `MQClientInstance.java`, topicRouteData2TopicSubscribeInfo.
 */
export function subscribeQueues(topic: string, route: TopicRouteData): MessageQueue[] {
  return route.queueDatas
    .filter((each) => isReadable(each.perm))
    .flatMap(({ brokerName, readQueueNums }) => queuesOf(topic, brokerName, readQueueNums))
    .sort(compareQueues)
}

/** More queues or brokers than this has no topic: who says so would have this client take memory for them. */
const QUEUES_MAX = 65_536
const BROKERS_MAX = 4_096

/** The route as it came. A ProtocolError when no topic is like that. */
export function checkedRoute(route: TopicRouteData): TopicRouteData {
  const { queueDatas, brokerDatas, orderTopicConf = '' } = route
  const queues = Math.max(
    sumOf(queueDatas.map(({ readQueueNums }) => readQueueNums)),
    sumOf(queueDatas.map(({ writeQueueNums }) => writeQueueNums)),
    sumOf(orderedCounts(orderTopicConf).map(({ count }) => count)),
  )
  const brokers = sumOf(brokerDatas.map(({ brokerAddrs }) => brokerAddrs.size))
  if (queues > QUEUES_MAX || brokers > BROKERS_MAX) {
    throw new ProtocolError({ what: `a route of ${queues} queues and ${brokers} brokers` })
  }
  return route
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + Math.max(0, count), 0)
}

/** `broker-a:8;broker-b:8` */
function orderedQueues(topic: string, text: string): MessageQueue[] {
  return orderedCounts(text).flatMap(({ brokerName, count }) => queuesOf(topic, brokerName, count))
}

function orderedCounts(text: string): { readonly brokerName: string; readonly count: number }[] {
  return text.split(';').flatMap((part) => {
    const [brokerName = '', count = ''] = part.split(':')
    return /^\d{1,9}$/.test(count) ? { brokerName, count: Number(count) } : []
  })
}

function queuesOf(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: Math.max(0, count) }, (_, queueId) => ({
    topic,
    brokerName,
    queueId,
  }))
}

/**
 * The route that a topic will have once a broker has made it from the template: at most `queueNums` queues
 * per broker.
 */
export function routeOfTemplate(template: TopicRouteData, queueNums: number): TopicRouteData {
  const queueDatas = template.queueDatas.map((each) => {
    const count = Math.min(queueNums, each.readQueueNums)
    return { ...each, readQueueNums: count, writeQueueNums: count }
  })
  return { ...template, queueDatas }
}

/** `host:port` of the master of a broker name; undefined when the route has none. */
export function masterAddress(route: TopicRouteData, brokerName: string): string | undefined {
  return addressOf(route, brokerName, MASTER_ID)
}

/** Where a broker takes sends apart from pulls: two ports below its own. Apache: `MixAll.java`, brokerVIPChannel. */
export function vipAddress(address: string): string {
  const colon = address.lastIndexOf(':')
  return `${address.slice(0, colon)}:${Number(address.slice(colon + 1)) - 2}`
}

/** `host:port` of one member of a broker name. */
function addressOf(
  route: TopicRouteData,
  brokerName: string,
  brokerId: number,
): string | undefined {
  return route.brokerDatas.find((each) => each.brokerName === brokerName)?.brokerAddrs.get(brokerId)
}

/** As `addressOf`, but any member when the wanted one is not there. */
export function readAddress(
  route: TopicRouteData,
  brokerName: string,
  brokerId: number,
): { address: string; brokerId: number } | undefined {
  const members = route.brokerDatas.find((each) => each.brokerName === brokerName)?.brokerAddrs
  const wanted = members?.get(brokerId)
  if (wanted !== undefined) return { address: wanted, brokerId }
  const [any] = members ?? []
  return any === undefined ? undefined : { brokerId: any[0], address: any[1] }
}

/** All addresses of a route; without `slaves` only the masters'. */
export function addressesOf(route: TopicRouteData, slaves: boolean): string[] {
  return route.brokerDatas.flatMap(({ brokerAddrs }) =>
    [...brokerAddrs].filter(([id]) => slaves || id === MASTER_ID).map(([, address]) => address),
  )
}

/** Whether two routes lead to the same queues and addresses. */
export function isSameRoute(a: TopicRouteData, b: TopicRouteData): boolean {
  return routeText(a) === routeText(b)
}

function routeText(route: TopicRouteData): string {
  const queues = route.queueDatas.map(
    (q) => `${q.brokerName} ${q.readQueueNums} ${q.writeQueueNums} ${q.perm}`,
  )
  const brokers = route.brokerDatas.map(
    (b) => `${b.brokerName} ${[...b.brokerAddrs].sort(([x], [y]) => x - y).join(' ')}`,
  )
  return [...queues.sort(), ...brokers.sort(), route.orderTopicConf ?? ''].join('\n')
}
