import {
  isDlqTopic,
  isPredefinedGroup,
  isRetryTopic,
  isSystemGroup,
  isSystemTopic,
  replyTopic,
} from '@skylarkmq/protocol'
import type { AdminClient } from '@skylarkmq/client'

/** What a topic is for. */
export type TopicKind = 'own' | 'retry' | 'dead letters' | 'system'

/** What a topic is for, by its name alone. */
export function kindOfTopic(name: string): TopicKind {
  if (isRetryTopic(name)) return 'retry'
  if (isDlqTopic(name)) return 'dead letters'
  return isSystemTopic(name) ? 'system' : 'own'
}

/** As `kindOfTopic`, where each broker and cluster has a topic of its own name. */
export async function topicKinds(admin: AdminClient): Promise<(name: string) => TopicKind> {
  const { brokerAddrTable, clusterAddrTable } = await admin.brokers.clusters()
  const clusters = [...clusterAddrTable.keys()]
  const system = new Set([...brokerAddrTable.keys(), ...clusters, ...clusters.map(replyTopic)])
  return (name) => (system.has(name) ? 'system' : kindOfTopic(name))
}

/** Whether people made a group. */
export function isOwnGroup(name: string): boolean {
  return !isSystemGroup(name) && !isPredefinedGroup(name)
}

/** Whether a name contains a text, whatever their case; true without one. */
export function like(name: string, text: string | undefined): boolean {
  return text === undefined || name.toLowerCase().includes(text.toLowerCase())
}
