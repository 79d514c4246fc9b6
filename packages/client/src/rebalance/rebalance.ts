import {
  compareQueues,
  consumerIdListBody,
  GetConsumerListByGroup,
  type MessageQueue,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { addressesOf, subscribeQueues } from '../route/topic-route.ts'
import type { Allocate } from './allocate-averagely.ts'

/**
 * The queues of a topic that this client should read now; undefined when that cannot be known, and then all stays
 * as it is. Rejects when neither name server nor broker answers. Apache: `RebalanceImpl.java`, rebalanceByTopic.
 */
export async function ownQueues(
  client: ClientInstance,
  group: string,
  topic: string,
  allocate: Allocate,
): Promise<readonly MessageQueue[] | undefined> {
  const route = await client.routes.find(topic)
  if (route === undefined) return undefined
  const addresses = addressesOf(route, true)
  const address = addresses[Math.floor(client.env.random.next() * addresses.length)]
  if (address === undefined) return undefined
  const header = { consumerGroup: group }
  const answer = await client.caller.call(address, GetConsumerListByGroup, header)
  const { consumerIdList } = consumerIdListBody.decode(answer.body)
  if (consumerIdList.length === 0) return undefined
  const queues = subscribeQueues(topic, route).sort(compareQueues)
  return allocate(queues, [...consumerIdList].sort(), client.clientId)
}
