import type { Broker, BrokerContext } from '@skylarkmq/broker'
import type { Clock } from '@skylarkmq/env'
import { isSystemGroup, type TopicConfig } from '@skylarkmq/protocol'
import type { RequestTimes } from '@skylarkmq/remoting'
import { labels } from '../family.ts'
import { StoreTimes } from './store-times.ts'

/** A broker of which metrics are read. */
export interface BrokerSource {
  readonly broker: BrokerContext
  readonly clock: Clock
  /** Labels of all series. Apache: `BrokerMetricsManager.java`, newAttributesBuilder. */
  readonly common: string
  /** The same, of the store's series. */
  readonly stored: string
  readonly times: RequestTimes
  readonly connections: () => number
  readonly storeTimes: StoreTimes
}

/** What metrics of a broker are read from. */
export function brokerSource(server: Broker, broker: BrokerContext): BrokerSource {
  const { config, env } = broker
  const common = labels({
    cluster: config.brokerClusterName,
    node_type: 'broker',
    node_id: config.brokerName,
    ...moreLabels(config.metricsLabel),
    otel_scope_name: 'broker-meter',
  })
  return {
    broker,
    clock: env.clock,
    common,
    stored: labels({ storage_type: 'local', storage_medium: 'disk' }, common),
    times: server.timeRequests(),
    connections: () => server.connectionCount,
    storeTimes: new StoreTimes(broker.store),
  }
}

/** `zone:a,rack:b` of `metricsLabel`; what is no label is left out. */
function moreLabels(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const each of text.split(',')) {
    const [name = '', value] = each.split(':')
    if (value !== undefined && /^[a-zA-Z_]\w*$/.test(name.trim())) found[name.trim()] = value.trim()
  }
  return found
}

/** Whether metrics count a topic or a group as the broker's own. Apache: `BrokerMetricsManager.java`, isSystem. */
export function isSystem({ topics }: BrokerContext, topic: string, group = ''): boolean {
  return topics.isSystem(topic) || isSystemGroup(group)
}

/** The topics that are there, not those that are only remembered in statistics. */
export function topicsOf({ topics }: BrokerContext): Iterable<TopicConfig> {
  return topics.all.values()
}
