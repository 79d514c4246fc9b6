import { queueKey, type MessageQueue } from '@skylarkmq/protocol'
import { BatchError, MessageError, saysOf } from '../errors.ts'
import type { Message } from '../message.ts'
import { prepareBatches } from './encode-batch.ts'
import type { EncodeOptions, PreparedSend } from './encode-send.ts'
import { queueByHash } from './select-queue.ts'
import type { SendResult } from './send-result.ts'

/** What sending a batch needs of its producer. */
export interface SendBatchParts {
  readonly nextId: () => string
  readonly encode: EncodeOptions
  /** The caller has chosen the queue for all of it. */
  readonly isQueueChosen: boolean
  /** The queues that the topic has now. */
  queues(): Promise<readonly MessageQueue[]>
  /** Sends a part; to this queue when there is one, which its keys want. */
  deliver(part: PreparedSend, queue: MessageQueue | undefined): Promise<SendResult>
}

interface Part {
  readonly prepared: PreparedSend
  readonly queue: MessageQueue | undefined
  /** Places of its messages in the batch. */
  readonly places: readonly number[]
}

/**
 * Sends messages in as few parts as there are queues that their keys want, and as fit into a body, one after the other.
 * Rejects as the part that failed; with RMQ_BATCH when others are stored.
 */
export async function sendBatch(
  messages: readonly Message[],
  parts: SendBatchParts,
): Promise<readonly SendResult[]> {
  const all = await partsOf(messages, parts)
  const results: SendResult[] = []
  for (const [index, { prepared, queue, places: failed }] of all.entries()) {
    try {
      results.push(await parts.deliver(prepared, queue))
    } catch (error) {
      if (index === 0) throw error
      const stored = all.slice(0, index).flatMap(({ places }) => places)
      const unsent = all.slice(index + 1).flatMap(({ places }) => places)
      const topic = prepared.userTopic
      throw new BatchError({ topic, results, stored, failed, unsent, reason: saysOf(error) }, error)
    }
  }
  return results
}

/** All are checked before the first part leaves. */
async function partsOf(messages: readonly Message[], parts: SendBatchParts): Promise<Part[]> {
  const { nextId, encode, isQueueChosen } = parts
  const topic = messages[0]?.topic
  if (messages.some((each) => each.topic !== topic)) {
    throw new MessageError({ problem: 'the messages of a batch have one topic' })
  }
  const isKeyed = !isQueueChosen && messages.some(({ shardingKey }) => shardingKey !== undefined)
  const groups = isKeyed
    ? byQueue(messages, await parts.queues())
    : [{ queue: undefined, places: [...messages.keys()] }]
  return groups.flatMap(({ queue, places }) => {
    const some = places.map((place) => messages[place] as Message)
    let from = 0
    return prepareBatches(some, nextId, encode).map((prepared) => ({
      prepared,
      queue,
      // In their order: one message may be in a batch several times.
      places: places.slice(from, (from += prepared.msgIds.length)),
    }))
  })
}

interface Group {
  /** Undefined for messages without a key, which may go anywhere. */
  readonly queue: MessageQueue | undefined
  /** Places of its messages in the batch. */
  readonly places: number[]
}

/** The messages of one queue together, in their order; the queue of the first message first. */
function byQueue(messages: readonly Message[], queues: readonly MessageQueue[]): Group[] {
  const groups = new Map<string, Group>()
  for (const [place, { shardingKey }] of messages.entries()) {
    const queue = shardingKey === undefined ? undefined : queueByHash(shardingKey)(queues)
    const key = queue === undefined ? '' : queueKey(queue)
    const group = groups.get(key) ?? { queue, places: [] }
    group.places.push(place)
    groups.set(key, group)
  }
  return [...groups.values()]
}
