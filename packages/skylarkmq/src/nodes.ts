import type { Session } from './session.ts'

/** One broker process that a name server knows. */
export interface BrokerNode {
  readonly cluster: string
  readonly broker: string
  /** 0 is the master. */
  readonly id: number
  readonly address: string
}

/** All brokers that the name server knows, slaves among them, by name. */
export async function nodesOf(session: Session): Promise<BrokerNode[]> {
  const { brokerAddrTable } = await session.admin.brokers.clusters()
  return [...brokerAddrTable.values()]
    .flatMap(({ cluster, brokerName, brokerAddrs }) =>
      [...brokerAddrs].map(([id, address]) => ({ cluster, broker: brokerName, id, address })),
    )
    .sort((one, other) => one.broker.localeCompare(other.broker) || one.id - other.id)
}
