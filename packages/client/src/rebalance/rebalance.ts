import { textOfThrown } from '@skylarkmq/env'
import {
  compareQueues,
  consumerIdListBody,
  GetConsumerListByGroup,
  queueKey,
  type MessageQueue,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { OptionError } from '../errors.ts'
import { addressesOf, subscribeQueues } from '../route/topic-route.ts'
import { answeredNow } from '../user-code.ts'
import type { Allocate } from './allocate-averagely.ts'

/** A broker that was away hears of the members of a group again one by one, for about so long, ms. */
const GATHERING_MS = 3_000

/** How the queues of a topic are shared out among the members of a group. */
export interface Shares {
  /** Those of this client. */
  readonly own: readonly MessageQueue[]
  /** Ids of all members; undefined where each reads all. */
  readonly members?: readonly string[]
}

/**
 * The queues of a topic that this client should read now; `unknown` when there is no such topic yet, and `unsettled`
 * while the broker does not know all members: then all stays as it is. `before` are the members that there were. Rejects
 * when neither name server nor broker answers, and with RMQ_OPTION when `allocate` throws or gives what is no list of these
 * queues. Apache: `RebalanceImpl.java`, rebalanceByTopic.
 */
export async function ownQueues(
  client: ClientInstance,
  group: string,
  topic: string,
  allocate: Allocate,
  before: readonly string[],
): Promise<Shares | 'unknown' | 'unsettled'> {
  const route = await client.routes.find(topic)
  if (route === undefined) return 'unknown'
  const addresses = client.caller.answering(addressesOf(route, true), (each) => each)
  const address = addresses[Math.floor(client.env.random.next() * addresses.length)]
  if (address === undefined) return 'unknown'
  const header = { consumerGroup: group }
  const answer = await client.caller.call(address, GetConsumerListByGroup, header)
  const { consumerIdList } = consumerIdListBody.decode(answer.body)
  if (!consumerIdList.includes(client.clientId)) {
    await client.heartbeat()
    return 'unsettled'
  }
  // Who took the queues of those that are still on their way back would read them from old offsets, beside them.
  const isBack = client.reconnectedWithin(address, GATHERING_MS)
  const known = new Set(consumerIdList)
  if (isBack && before.some((each) => !known.has(each))) return 'unsettled'
  const members = [...consumerIdList].sort()
  const queues = subscribeQueues(topic, route).sort(compareQueues)
  return { own: allocated(allocate, queues, members, client.clientId), members }
}

/** What the user's function gives, when it can be that. Throws RMQ_OPTION. */
function allocated(
  allocate: Allocate,
  queues: readonly MessageQueue[],
  members: readonly string[],
  ownId: string,
): readonly MessageQueue[] {
  const byKey = new Map(queues.map((queue) => [queueKey(queue), queue]))
  try {
    const given: unknown = answeredNow('it', () => allocate(queues, members, ownId))
    if (!Array.isArray(given)) throw new TypeError('it gave no list of queues')
    return (given as MessageQueue[]).map((each) => {
      const queue = byKey.get(queueKey(each))
      if (queue === undefined) throw new RangeError('it gave a queue that the topic does not have')
      return queue
    })
  } catch (thrown) {
    const problem = textOfThrown(thrown)
    const advice = 'No queue is taken or given up meanwhile; it is asked again every second.'
    throw new OptionError({ option: 'allocate', problem, advice })
  }
}
