import type { ClientInstance } from '../client-instance.ts'
import type {
  BrokerHealth,
  ClientHealth,
  ConsumerHealth,
  ProducerHealth,
  ServerHealth,
} from './health.ts'

/** How a client does. `clients` are its own and those of further members of a group. */
export function clientHealth(
  clients: readonly [ClientInstance, ...ClientInstance[]],
  isClosed: boolean,
  consumers: readonly ConsumerHealth[],
  producers: readonly ProducerHealth[],
): ClientHealth {
  const [{ clientId }] = clients
  const reasons = isClosed
    ? ['the client is closed']
    : [
        ...consumers.flatMap((each) => each.reasons.map((why) => `consumer ${each.group}: ${why}`)),
        ...producers.flatMap((each) => each.reasons.map((why) => `producer ${each.group}: ${why}`)),
      ]
  const ok = reasons.length === 0
  return { ok, reasons, clientId, isClosed, ...serversOf(clients), consumers, producers }
}

function serversOf(clients: readonly ClientInstance[]): {
  readonly nameServers: readonly ServerHealth[]
  readonly brokers: readonly BrokerHealth[]
} {
  const connected = new Set(clients.flatMap(({ caller }) => caller.connected))
  const isConnected = (address: string): boolean => connected.has(address)
  const brokers = new Map<string, BrokerHealth>()
  for (const { routes } of clients) {
    for (const { brokerName, cluster, brokerAddrs } of routes.brokers) {
      for (const [brokerId, address] of brokerAddrs) {
        const broker = { brokerName, cluster, brokerId, address }
        brokers.set(address, { ...broker, isConnected: isConnected(address) })
      }
    }
  }
  const addresses = new Set(clients.flatMap(({ nameServers }) => nameServers.addresses))
  const nameServers = [...addresses].map((address) => ({
    address,
    isConnected: isConnected(address),
  }))
  return { nameServers, brokers: [...brokers.values()] }
}
