import {
  consumerConnectionBody,
  consumeStatsBody,
  dlqTopic,
  GetConsumerConnectionList,
  GetConsumeStats,
  groupListBody,
  queueKey,
  QueryTopicConsumeByWho,
  ResponseCode,
  retryTopic,
  type ConsumerConnection,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import type { ReceivedMessage } from '../message.ts'
import { mastersOf, type Master } from './brokers-known.ts'

/**
 * What a group has to do with a message: `consumed`; `waiting` to be consumed; `filtered`, for the group wants other tags;
 * `offline`, for nobody of it is connected, with nothing known of this message; `pull` and `broadcast`, for a group that keeps its
 * own account.
 */
export type GroupTrack = 'consumed' | 'waiting' | 'filtered' | 'offline' | 'pull' | 'broadcast'

/** What became of a message in one group. */
export interface MessageTrack {
  /** Name of the group. */
  readonly group: string
  /** How far it is. */
  readonly track: GroupTrack
  /** How often the message was given back and came again, as far as the brokers still have that. */
  readonly retries: number
  /** Whether the group gave it up: it lies in its dead letters. */
  readonly isDead: boolean
}

/** What became of a message. */
export interface MessageLife {
  /** The message, as it lies in its topic. */
  readonly message: ReceivedMessage
  /** By group, sorted by name. */
  readonly groups: readonly MessageTrack[]
}

/** Finds the copies of a message in another topic. */
export type FindCopies = (topic: string) => Promise<readonly ReceivedMessage[]>

/** Asks the brokers of a message's topic, and those of each group that consumes it. Rejects as the methods of Messages. */
export async function lifeOf(
  client: ClientInstance,
  message: ReceivedMessage,
  copies: FindCopies,
): Promise<MessageLife> {
  const topic = client.wrapped(message.topic)
  const masters = await mastersOf(client, topic)
  const lists = await Promise.all(
    masters.map(async ({ address }) => {
      const answer = await client.caller.call(address, QueryTopicConsumeByWho, { topic })
      return groupListBody.decode(answer.body).groupList
    }),
  )
  const names = [...new Set(lists.flat())].sort()
  const groups = await Promise.all(
    names.map(async (name): Promise<MessageTrack> => {
      const group = client.unwrapped(name)
      const [track, retried, dead] = await Promise.all([
        trackOf(client, name, message, masters),
        copies(retryTopic(group)),
        copies(dlqTopic(group)),
      ])
      return { group, track, retries: retried.length, isDead: dead.length > 0 }
    }),
  )
  // A broker of Apache puts the topic's own name among the groups that subscribe.
  const isGroup = ({ group, track }: MessageTrack): boolean =>
    group !== message.topic || track !== 'offline'
  return { message, groups: groups.filter(isGroup) }
}

async function trackOf(
  client: ClientInstance,
  group: string,
  message: ReceivedMessage,
  masters: readonly Master[],
): Promise<GroupTrack> {
  const connection = await connectionOf(client, group, masters)
  if (connection?.consumeType === 'CONSUME_ACTIVELY') return 'pull'
  if (connection?.messageModel === 'BROADCASTING') return 'broadcast'
  const master = masters.find(({ brokerName }) => brokerName === message.messageQueue.brokerName)
  const isPast = master !== undefined && (await hasPassed(client, group, message, master))
  if (connection === undefined) return isPast ? 'consumed' : 'offline'
  if (!isPast) return 'waiting'
  return isFiltered(connection, message) ? 'filtered' : 'consumed'
}

async function connectionOf(
  { caller }: ClientInstance,
  consumerGroup: string,
  masters: readonly Master[],
): Promise<ConsumerConnection | undefined> {
  const accept = [ResponseCode.CONSUMER_NOT_ONLINE]
  for (const { address } of masters) {
    const answer = await caller.call(
      address,
      GetConsumerConnectionList,
      { consumerGroup },
      { accept },
    )
    if (answer.code === ResponseCode.SUCCESS) return consumerConnectionBody.decode(answer.body)
  }
  return undefined
}

async function hasPassed(
  { caller }: ClientInstance,
  consumerGroup: string,
  { messageQueue, queueOffset }: ReceivedMessage,
  { address }: Master,
): Promise<boolean> {
  const header = { consumerGroup, topic: messageQueue.topic }
  const answer = await caller.call(address, GetConsumeStats, header)
  const wanted = queueKey(messageQueue)
  const { offsetTable } = consumeStatsBody.decode(answer.body)
  return [...offsetTable].some(
    ([queue, { consumerOffset }]) => queueKey(queue) === wanted && consumerOffset > queueOffset,
  )
}

/** Whether the group wants other tags; of an expression of SQL92 only its brokers know. */
function isFiltered(
  { subscriptionTable }: ConsumerConnection,
  { messageQueue, tag }: ReceivedMessage,
): boolean {
  const tags = subscriptionTable.get(messageQueue.topic)?.tagsSet ?? []
  return tags.length > 0 && (tag === undefined || !tags.includes(tag))
}
