import type { Held, ProcessQueue } from './process-queue.ts'

/** How much of one queue a client takes before it has consumed it. Apache: `DefaultMQPushConsumer.java`. */
export interface FlowLimits {
  /** Messages. */
  readonly count: number
  /** Bytes of bodies. */
  readonly bytes: number
  /** From the first to the last message, in messages. */
  readonly span: number
  /** Messages of all queues together, once the queue has `share`. */
  readonly countOfAll: number
  /** Bytes of bodies of all queues together, once the queue has a message. */
  readonly bytesOfAll: number
  /** Messages that a queue may have whatever the others have. */
  readonly share: number
}

/** What a consumer may be told of it, see PushConsumerOptions. */
export interface FlowOptions {
  readonly pullBatchSize?: number
  readonly pullThresholdForQueue?: number
  readonly pullThresholdSizeForQueue?: number
  readonly consumeConcurrentlyMaxSpan?: number
  readonly ordered?: boolean
}

/** Messages that wait for long are moved by the garbage collector again and again; so many are enough for any network. */
const COUNT_OF_ALL = 2_048
const BYTES_OF_ALL = 64 * 1024 * 1024

/** The limits of a consumer whose handlers run `concurrency` at a time. */
export function flowLimits(options: FlowOptions, concurrency: number): FlowLimits {
  const { pullThresholdForQueue, pullThresholdSizeForQueue, pullBatchSize, ordered } = options
  return {
    count: pullThresholdForQueue ?? 1_000,
    bytes: pullThresholdSizeForQueue ?? 100 * 1024 * 1024,
    // In order nothing is consumed far ahead of the rest.
    span: ordered === true ? Infinity : (options.consumeConcurrentlyMaxSpan ?? 2_000),
    countOfAll: Math.max(COUNT_OF_ALL, 2 * concurrency, pullThresholdForQueue ?? 0),
    bytesOfAll: Math.max(BYTES_OF_ALL, pullThresholdSizeForQueue ?? 0),
    share: pullBatchSize ?? 32,
  }
}

/** Whether messages must be consumed before more of this queue are pulled. */
export function isFull(queue: ProcessQueue, held: Held, limits: FlowLimits): boolean {
  const { count, bytes } = queue
  return (
    count > limits.count ||
    bytes > limits.bytes ||
    (held.count >= limits.countOfAll && count >= limits.share) ||
    (held.bytes >= limits.bytesOfAll && count > 0) ||
    queue.span > limits.span
  )
}
