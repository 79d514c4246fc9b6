import type { ProcessQueue } from './process-queue.ts'

/** How much of one queue a client takes before it has consumed it. Apache: `DefaultMQPushConsumer.java`. */
export interface FlowLimits {
  /** Messages. */
  readonly count: number
  /** Bytes of bodies. */
  readonly bytes: number
  /** From the first to the last message, in messages. */
  readonly span: number
}

/** Whether a queue must be consumed further before more of it is pulled. */
export function isFull(queue: ProcessQueue, limits: FlowLimits): boolean {
  return queue.count > limits.count || queue.bytes > limits.bytes || queue.span > limits.span
}
