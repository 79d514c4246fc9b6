import type { MessageQueue } from '@skylarkmq/protocol'
import { allocateAveragely, type Allocate } from './allocate-averagely.ts'

/**
 * Shares out the queues of brokers in these machine rooms only; a broker says where it is by its name, `room@name`.
 * Apache: `AllocateMessageQueueByMachineRoom.java`.
 */
export function allocateByMachineRoom(rooms: readonly string[]): Allocate {
  return (queues, clientIds, ownId) => {
    const index = clientIds.indexOf(ownId)
    if (index < 0) return []
    const near = queues.filter(({ brokerName }) => {
      const [room = '', ...rest] = brokerName.split('@')
      return rest.length === 1 && rooms.includes(room)
    })
    const share = Math.floor(near.length / clientIds.length)
    const own = near.slice(index * share, (index + 1) * share)
    // What does not come out even goes to the first clients, from the end.
    const rest = near[index + share * clientIds.length]
    return rest === undefined ? own : [...own, rest]
  }
}

/** Says in which machine room a queue, or a client, is. */
export interface MachineRooms {
  /** The room of a queue's broker. */
  brokerRoom(queue: MessageQueue): string
  /** The room of a client of the group. */
  clientRoom(clientId: string): string
}

/**
 * Gives the queues of a machine room to the clients in it; those of a room without clients go to all. Within a room
 * `allocate` shares out, averagely unless told otherwise. Apache: `AllocateMachineRoomNearby.java`.
 */
export function allocateNearby(
  rooms: MachineRooms,
  allocate: Allocate = allocateAveragely,
): Allocate {
  return (queues, clientIds, ownId) => {
    const ownRoom = rooms.clientRoom(ownId)
    const inhabited = new Set(clientIds.map((id) => rooms.clientRoom(id)))
    const byRoom = new Map<string, MessageQueue[]>()
    for (const queue of queues) {
      const room = rooms.brokerRoom(queue)
      byRoom.set(room, [...(byRoom.get(room) ?? []), queue])
    }
    const neighbours = clientIds.filter((id) => rooms.clientRoom(id) === ownRoom)
    const own = allocate(byRoom.get(ownRoom) ?? [], neighbours, ownId)
    const empty = [...byRoom].filter(([room]) => !inhabited.has(room)).sort(byName)
    return [...own, ...empty.flatMap(([, each]) => allocate(each, clientIds, ownId))]
  }
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0
}
