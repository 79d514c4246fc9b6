import type { ClusterInfo } from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { RouteNotFoundError } from '../errors.ts'
import { MASTER_ID } from '../route/topic-route.ts'

/** A master that administration asks. */
export interface Master {
  /** Its name: those of a name share their topics' queues. */
  readonly brokerName: string
  /** The cluster that it is in. */
  readonly cluster: string
  /** `host:port` */
  readonly address: string
}

/** All clusters and brokers, as a name server knows them. Rejects with RMQ_NAME_SERVER. */
export function readClusterInfo(client: ClientInstance): Promise<ClusterInfo> {
  return client.nameServers.clusters()
}

/** The masters of a cluster, or of all. Rejects with RMQ_NAME_SERVER, or RMQ_TOPIC_NOT_FOUND when there is none. */
export async function readMasters(client: ClientInstance, cluster?: string): Promise<Master[]> {
  const { brokerAddrTable } = await readClusterInfo(client)
  const masters = [...brokerAddrTable].flatMap(([brokerName, data]): Master[] => {
    const address = data.brokerAddrs.get(MASTER_ID)
    if (address === undefined || (cluster !== undefined && data.cluster !== cluster)) return []
    return [{ brokerName, cluster: data.cluster, address }]
  })
  if (masters.length > 0) return masters
  const where = cluster === undefined ? '' : ` of the cluster ${cluster}`
  throw new RouteNotFoundError({
    topic: '',
    reason: `the name server knows no master${where}`,
    advice:
      'Start a broker that registers with this name server (namesrvAddr in its broker.conf), or look for the name of the cluster.',
  })
}

/** The masters that have a topic. Rejects with RMQ_NAME_SERVER or RMQ_TOPIC_NOT_FOUND. */
export async function mastersOf(client: ClientInstance, topic: string): Promise<Master[]> {
  const route = await client.routes.get(topic)
  return route.brokerDatas.flatMap(({ brokerName, cluster, brokerAddrs }): Master[] => {
    const address = brokerAddrs.get(MASTER_ID)
    return address === undefined ? [] : [{ brokerName, cluster, address }]
  })
}
