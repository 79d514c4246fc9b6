import { mainReason, whyGroupLags, type LagReason } from '@skylarkmq/broker'
import { isRetryTopic } from '@skylarkmq/protocol'
import type { Turns } from '../family.ts'
import type { BrokerSource } from './source.ts'

/** How far a group is behind in a topic. */
export interface TopicLag {
  readonly group: string
  readonly topic: string
  readonly isOnline: boolean
  readonly isBroadcast: boolean
  readonly messages: number
  readonly inFlight: number
  /** Age of the first message that is not consumed, and of the first that nobody has pulled, ms; 0 when there is none. */
  readonly ageMs: number
  readonly queueingMs: number
  /** Sum of the offsets that are committed. */
  readonly committed: number
  readonly reason: LagReason
}

/** Groups and topics between two looks at the clock. */
const PAIRS_PER_LOOK = 16

/** How far each group is behind in each topic, in turns; a topic that is gone is left out. */
export async function gatherLags(source: BrokerSource, turns: Turns): Promise<TopicLag[]> {
  const { broker, storeTimes } = source
  storeTimes.forgetOld()
  const lags: TopicLag[] = []
  let count = 0
  for (const [group, topic] of pairsOf(source)) {
    if (++count % PAIRS_PER_LOOK === 0 && turns.isOver) await turns.next()
    if (broker.topics.get(topic) !== undefined) lags.push(lagOf(source, group, topic))
  }
  return lags
}

/** Groups with the topics in which they have committed, or to which they subscribe. */
function pairsOf({ broker }: BrokerSource): (readonly [group: string, topic: string])[] {
  const pairs: (readonly [string, string])[] = []
  for (const key of broker.offsets.all.keys()) {
    const at = key.indexOf('@')
    const group = key.slice(at + 1)
    // Such as `group@broadcast`, under which the progress of a broadcasting group is kept.
    if (!group.includes('@')) pairs.push([group, key.slice(0, at)])
  }
  for (const { groupName, subscriptions } of broker.consumers.all.values()) {
    const known = broker.offsets.topicsOf(groupName)
    for (const topic of subscriptions.keys()) if (!known.has(topic)) pairs.push([groupName, topic])
  }
  return pairs
}

function lagOf(
  { broker, clock, storeTimes }: BrokerSource,
  group: string,
  topic: string,
): TopicLag {
  const owner = `${topic}@${group}`
  const storeTimeOf = (of: string, queueId: number, offset: number): number =>
    storeTimes.of(owner, of, queueId, offset)
  const queues = whyGroupLags(broker, group, topic, { storeTimeOf })
  const now = clock.now()
  let [messages, inFlight, firstMs, waitingMs] = [0, 0, Infinity, Infinity]
  for (const lag of queues) {
    messages += lag.messages
    inFlight += lag.inFlight
    const storedMs = lag.firstStoredMs ?? Infinity
    firstMs = Math.min(firstMs, storedMs)
    // What was pulled lies close together; the first that was not is asked for only where something was.
    if (lag.messages > lag.inFlight)
      waitingMs = Math.min(waitingMs, lag.inFlight === 0 ? storedMs : pulledMs(lag))
  }
  function pulledMs({ queueId }: { readonly queueId: number }): number {
    const next = broker.offsets.pulledOffset(group, topic, queueId) ?? 0
    const storedMs = storeTimes.of(`${owner}@pulled`, topic, queueId, next)
    return storedMs < 0 ? Infinity : storedMs
  }
  let committed = 0
  for (const offset of broker.offsets.ofTopic(group, topic).values()) committed += offset
  const connected = broker.consumers.get(group)
  return {
    group,
    topic,
    isOnline: connected !== undefined,
    isBroadcast: connected?.messageModel === 'BROADCASTING',
    messages,
    inFlight,
    ageMs: ageOf(now, firstMs),
    queueingMs: ageOf(now, waitingMs),
    committed,
    reason: mainReason(queues),
  }
}

function ageOf(now: number, storedMs: number): number {
  return storedMs === Infinity ? 0 : Math.max(0, now - storedMs)
}

/** Whether Apache has series of a group's lag: while it has members, and of no retry topic. */
export function isInApache({ isOnline, topic }: TopicLag): boolean {
  return isOnline && !isRetryTopic(topic)
}
