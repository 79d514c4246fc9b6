import { jsonBody, list, mapByNumber, mapOf, object, text } from './shape.ts'
import { type BrokerData, brokerData } from './topic-route-data.ts'

/** All clusters and brokers: GET_BROKER_CLUSTER_INFO. Apache: `ClusterInfo.java`. */
export interface ClusterInfo {
  /** By broker name. */
  readonly brokerAddrTable: ReadonlyMap<string, BrokerData>
  /** Broker names by cluster. */
  readonly clusterAddrTable: ReadonlyMap<string, readonly string[]>
}

/** ClusterInfo as a body. */
export const clusterInfoBody = jsonBody<ClusterInfo>(
  'ClusterInfo',
  object<ClusterInfo>({
    brokerAddrTable: mapOf(brokerData),
    clusterAddrTable: mapOf(list(text)),
  }),
)

/** The members of one broker name. Apache: `BrokerMemberGroup.java`. */
export interface BrokerMemberGroup {
  readonly cluster: string
  readonly brokerName: string
  /** Address by broker id. */
  readonly brokerAddrs: ReadonlyMap<number, string>
}

/** GET_BROKER_MEMBER_GROUP. Apache: `GetBrokerMemberGroupResponseBody.java`. */
export interface BrokerMemberGroupAnswer {
  readonly brokerMemberGroup: BrokerMemberGroup
}

/** BrokerMemberGroupAnswer as a body. */
export const brokerMemberGroupBody = jsonBody<BrokerMemberGroupAnswer>(
  'GetBrokerMemberGroupResponseBody',
  object<BrokerMemberGroupAnswer>({
    brokerMemberGroup: object<BrokerMemberGroup>({
      cluster: text,
      brokerName: text,
      brokerAddrs: mapByNumber(text),
    }),
  }),
)
