import { brokerNameType } from '../schema/name-fields.ts'
import { stringifyFastjson, stringifyStandard } from '../json/stringify-fastjson.ts'
import {
  type Shape,
  flag,
  int,
  jsonBody,
  list,
  mapByNumber,
  mapOf,
  maybe,
  named,
  object,
  text,
} from './shape.ts'

/** The queues of a topic on one broker name. Apache: `QueueData.java`. */
export interface QueueData {
  readonly brokerName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  /** See Perm. */
  readonly perm: number
  /** See TopicSysFlag. */
  readonly topicSysFlag: number
}

/** The members of a broker name. Apache: `BrokerData.java`. */
export interface BrokerData {
  readonly cluster: string
  readonly brokerName: string
  /** Address by broker id; 0 is the master. */
  readonly brokerAddrs: ReadonlyMap<number, string>
  readonly enableActingMaster: boolean
  readonly zoneName?: string | undefined
}

/** Where a topic is. Apache: `TopicRouteData.java`. */
export interface TopicRouteData {
  readonly queueDatas: readonly QueueData[]
  readonly brokerDatas: readonly BrokerData[]
  readonly filterServerTable: ReadonlyMap<string, readonly string[]>
  /** `broker:queues;broker:queues` of a topic in order. */
  readonly orderTopicConf?: string | undefined
  /** Mapping of a static topic; passed on as it is. */
  readonly topicQueueMappingByBroker?: ReadonlyMap<string, unknown> | undefined
}

const queueData: Shape<QueueData> = object<QueueData>({
  brokerName: named(brokerNameType),
  readQueueNums: int,
  writeQueueNums: int,
  perm: int,
  topicSysFlag: int,
})

/** How a BrokerData is read from JSON. */
export const brokerData: Shape<BrokerData> = object<BrokerData>({
  cluster: text,
  brokerName: text,
  brokerAddrs: mapByNumber(text),
  enableActingMaster: flag,
  zoneName: maybe(text),
})

const body = jsonBody<TopicRouteData>(
  'TopicRouteData',
  object<TopicRouteData>({
    queueDatas: list(queueData),
    brokerDatas: list(brokerData),
    filterServerTable: mapOf(list(text)),
    orderTopicConf: maybe(text),
    topicQueueMappingByBroker: maybe(mapOf<unknown>({ read: (value) => value })),
  }),
)

/** Reads a route, in either form. */
export const decodeTopicRouteData = body.decode

/**
 * Writes a route: standard JSON for clients from 4.9.4 on and those that ask for it, else with numbers
 * as bare names, `{0:"host:port"}`.
 */
export function encodeTopicRouteData(route: TopicRouteData, form: 'standard' | 'fastjson'): Buffer {
  const json = form === 'standard' ? stringifyStandard(route) : stringifyFastjson(route)
  return Buffer.from(json, 'utf8')
}
