import { withoutNamespace } from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import type { MetricsSnapshot } from './snapshot.ts'

/** What a client has done. `clients` are its own and those of further members of a group, which count together. */
export function metricsOf(
  clients: readonly [ClientInstance, ...ClientInstance[]],
): MetricsSnapshot {
  const [{ clientId, metrics, namespace }] = clients
  const members = clients.flatMap(({ consumers }) =>
    [...consumers].map(([group, member]) => [group, member.gauges()] as const),
  )
  const running = new Map<string, number>()
  for (const [group, gauges] of members) {
    running.set(group, (running.get(group) ?? 0) + gauges.running)
  }
  return {
    clientId,
    sends: metrics.sendMetrics(namespace),
    consumers: metrics.consumerMetrics(members, namespace),
    groups: [...running].map(([group, count]) => ({
      group: withoutNamespace(group, namespace ?? ''),
      running: count,
    })),
    connections: {
      open: clients.reduce((sum, { caller }) => sum + caller.connected.length, 0),
      ...metrics.connections,
    },
  }
}
