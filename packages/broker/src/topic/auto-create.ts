import { isInherited, Perm, SystemTopic, type TopicConfig } from '@skylarkmq/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { topicConfig, type TopicConfigTable } from './topic-config-table.ts'

/** What a send says of the topic it wants. */
export interface WantedTopic {
  readonly topic: string
  /** Name of the template: `TBW102` from every stock client. */
  readonly defaultTopic: string
  readonly queueNums: number
  readonly topicSysFlag: number
}

/**
 * Makes a topic for the first message that names it, after the template that the producer names. Returns
 * undefined when there is no such template, or it does not pass its settings on.
 * Apache: `TopicConfigManager.java`, createTopicInSendMessageMethod.
 */
export function autoCreateTopic(
  topics: TopicConfigTable,
  wanted: WantedTopic,
  autoCreateTopicEnable: boolean,
): TopicConfig | undefined {
  const template = topics.get(wanted.defaultTopic)
  if (template === undefined || !isInherited(template.perm)) return undefined
  if (wanted.defaultTopic === SystemTopic.AUTO_CREATE && !autoCreateTopicEnable) return undefined
  const queueNums = Math.max(0, Math.min(wanted.queueNums, template.writeQueueNums))
  const made = topicConfig(wanted.topic, queueNums, template.perm & ~Perm.INHERIT, {
    topicFilterType: template.topicFilterType,
    topicSysFlag: wanted.topicSysFlag,
  })
  topics.put(made)
  return made
}

/** The topic of that name, made with these queues if there is none; for retry and dead-letter topics. */
export function ensureTopic(
  topics: TopicConfigTable,
  topic: string,
  queueNums: number,
  perm: number,
  topicSysFlag: number,
): TopicConfig {
  const found = topics.get(topic)
  if (found !== undefined) return found
  const made = topicConfig(topic, queueNums, perm, { topicSysFlag })
  topics.put(made)
  return made
}

/**
 * Resolves once changed topics are saved and the name servers know of them, or could not be told. Rejects with the
 * host's error when they could not be saved.
 */
export async function topicsKnown({
  topics,
  registration,
}: Pick<BrokerContext, 'topics' | 'registration'>): Promise<void> {
  await topics.saved
  await registration.whenKnown()
}
