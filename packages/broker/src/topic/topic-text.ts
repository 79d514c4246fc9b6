import { permText, type TopicConfig } from '@skylarkmq/protocol'

/** A topic as Apache's remarks show it. Apache: `TopicConfig.java`, toString. */
export function topicText(topic: TopicConfig): string {
  const attributes = Object.entries(topic.attributes).map(([key, value]) => `${key}=${value}`)
  const parts = {
    topicName: topic.topicName,
    readQueueNums: topic.readQueueNums,
    writeQueueNums: topic.writeQueueNums,
    perm: permText(topic.perm),
    topicFilterType: topic.topicFilterType,
    topicSysFlag: topic.topicSysFlag,
    order: topic.order,
    attributes: `{${attributes.join(', ')}}`,
  }
  const text = Object.entries(parts).map(([name, value]) => `${name}=${String(value)}`)
  return `TopicConfig [${text.join(', ')}]`
}
