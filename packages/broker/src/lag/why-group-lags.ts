import { isReadable } from '@skylarkmq/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { ConsumerGroup } from '../consumer/consumer-table.ts'

/** So many messages of a queue a client has at most that nobody is done with; Apache's clients stop pulling then. */
const CLIENT_HOLDS_MAX = 1000

/**
 * Why a group is behind in a queue:
 *
 * | reason | what it means |
 * | --- | --- |
 * | none | it is not behind |
 * | no_member | no client of the group is connected |
 * | no_permission | the broker, the topic or the group may not be read |
 * | paused | the group was told not to consume, or nobody asks for the queue: its client has paused it, or is not well |
 * | not_subscribed | clients are connected, and none subscribes to the topic |
 * | locked_by_another | a client holds the queue for orderly consumption that is no member any more |
 * | cold_reads | the group has read as much of the log's old part as it may for now |
 * | flow_controlled | the broker cannot keep up with pulls, or the client has as many messages of the queue as it takes |
 * | subscription_conflict | members of the group want different things, so that some are passed over |
 * | slow_handler | clients have messages of the queue and are not done with them |
 */
export type LagReason =
  | 'none'
  | 'no_member'
  | 'no_permission'
  | 'paused'
  | 'not_subscribed'
  | 'locked_by_another'
  | 'cold_reads'
  | 'flow_controlled'
  | 'subscription_conflict'
  | 'slow_handler'

/** How far a group is behind in one queue, and why. */
export interface QueueLag {
  readonly queueId: number
  /** Messages that the group has not consumed and the broker still has. */
  readonly messages: number
  /** Messages of these that clients have. */
  readonly inFlight: number
  /** Store time of the first of them, ms since 1970; undefined when there is none. */
  readonly firstStoredMs: number | undefined
  readonly reason: LagReason
}

/** What is read of a queue once for all groups. */
export interface LagOptions {
  /** The store time of a message; a cache may stand before the store. −1 when it is not known. */
  readonly storeTimeOf?: (topic: string, queueId: number, queueOffset: number) => number
}

/**
 * How far a group is behind in each queue of a topic in which it ever committed an offset, and why. What the broker knows
 * by itself: no client is asked. A broadcasting group is never behind, for its clients keep their offsets themselves.
 */
export function whyGroupLags(
  broker: BrokerContext,
  group: string,
  topic: string,
  options: LagOptions = {},
): QueueLag[] {
  const connected = broker.consumers.get(group)
  const ofGroup = reasonOfGroup(broker, group, topic, connected)
  const storeTimeOf =
    options.storeTimeOf ?? ((of, queueId, offset) => broker.store.storeTimeOf(of, queueId, offset))
  const lags: QueueLag[] = []
  for (const [queueId, committed] of broker.offsets.ofTopic(group, topic)) {
    const from = Math.max(committed, broker.store.offsetMin(topic, queueId))
    const messages = Math.max(0, broker.store.offsetMax(topic, queueId) - from)
    if (messages === 0 || connected?.messageModel === 'BROADCASTING') {
      lags.push({ queueId, messages: 0, inFlight: 0, firstStoredMs: undefined, reason: 'none' })
      continue
    }
    const pulled = broker.offsets.pulledOffset(group, topic, queueId) ?? from
    // What members had who are gone, nobody has.
    const inFlight = connected === undefined ? 0 : Math.min(messages, Math.max(0, pulled - from))
    const storedMs = storeTimeOf(topic, queueId, from)
    const queue = { group, topic, queueId, from, inFlight }
    lags.push({
      queueId,
      messages,
      inFlight,
      firstStoredMs: storedMs < 0 ? undefined : storedMs,
      reason: ofGroup ?? reasonOfQueue(broker, queue, connected),
    })
  }
  return lags
}

function reasonOfGroup(
  { config, topics, groups, lanes }: BrokerContext,
  group: string,
  topic: string,
  connected: ConsumerGroup | undefined,
): LagReason | undefined {
  if (connected === undefined) return 'no_member'
  const perm = topics.get(topic)?.perm
  const mayRead =
    isReadable(config.brokerPermission) &&
    (perm === undefined || isReadable(perm)) &&
    !groups.isReadForbidden(group, topic)
  if (!mayRead) return 'no_permission'
  if (groups.all.get(group)?.consumeEnable === false) return 'paused'
  // One that has no subscriptions at all chooses its queues itself.
  if (connected.subscriptions.size > 0 && !connected.subscriptions.has(topic))
    return 'not_subscribed'
  return lanes.of('pull').queued > 0 ? 'flow_controlled' : undefined
}

interface LaggingQueue {
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly from: number
  readonly inFlight: number
}

function reasonOfQueue(
  { config, locks, coldData, store }: BrokerContext,
  { group, topic, queueId, from, inFlight }: LaggingQueue,
  connected: ConsumerGroup | undefined,
): LagReason {
  const holder = locks.holderOf(group, { topic, brokerName: config.brokerName, queueId })
  if (holder !== undefined && connected?.byId.has(holder) === false) return 'locked_by_another'
  if (coldData.isHeldBack(group) && store.isCold(topic, queueId, from)) return 'cold_reads'
  if (inFlight >= CLIENT_HOLDS_MAX) return 'flow_controlled'
  if (connected?.conflicts.isInConflict === true) return 'subscription_conflict'
  return inFlight > 0 ? 'slow_handler' : 'paused'
}

/** The reason that the most messages of a group wait for; `none` when it is not behind. */
export function mainReason(lags: readonly QueueLag[]): LagReason {
  const counts = new Map<LagReason, number>()
  for (const { reason, messages } of lags) counts.set(reason, (counts.get(reason) ?? 0) + messages)
  let main: LagReason = 'none'
  for (const [reason, count] of counts) if (count > (counts.get(main) ?? 0)) main = reason
  return main
}
