import { hostVariable } from '@skylarkmq/env'
import type { ClientInstance } from '../client-instance.ts'
import { LocalOffsets } from './local-offsets.ts'
import { groupOffsets, type OffsetStore } from './offset-store.ts'
import { QueueOffsets } from './queue-offsets.ts'

/** Where a group keeps its offsets: with the brokers, or in a folder of this machine when every member reads all. */
export function offsetStoreOf(
  client: ClientInstance,
  group: string,
  isBroadcast: boolean,
  directory?: string,
): OffsetStore {
  const offsets = new QueueOffsets(client)
  if (!isBroadcast) return groupOffsets(offsets, group)
  const home = hostVariable('HOME') ?? hostVariable('USERPROFILE') ?? '/'
  const root = directory ?? `${home}/.rocketmq_offsets`
  return new LocalOffsets(client.env, offsets, { root, clientId: client.stableId, group })
}
