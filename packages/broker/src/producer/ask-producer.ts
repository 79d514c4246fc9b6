import type { OutgoingRequest } from '@skylarkmq/remoting'
import type { ProducerTable } from './producer-table.ts'

const TRIES = 3
/** A client that has not read more than this is passed over for another. */
const BUSY_BYTES = 64 * 1024

/**
 * Sends a one-way request to one producer of a group, each in turn; false when none is connected.
 * Apache: `ProducerManager.java`, getAvailableChannel.
 */
export function askProducer(
  producers: ProducerTable,
  group: string,
  request: OutgoingRequest,
): boolean {
  let connected
  for (let tries = 0; tries < TRIES; tries++) {
    const connection = producers.next(group)?.connection
    if (connection === undefined || connection.isClosed) continue
    connected = connection
    if (connection.heldBytes <= BUSY_BYTES) break
  }
  connected?.oneway(request)
  return connected !== undefined
}
