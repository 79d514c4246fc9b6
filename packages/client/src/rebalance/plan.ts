import { queueKey, type MessageQueue } from '@skylarkmq/protocol'

/** What changes when a client that holds some queues should hold others. */
export interface RebalancePlan {
  readonly drop: readonly MessageQueue[]
  readonly add: readonly MessageQueue[]
}

/** Compares the queues held with those wanted. */
export function planRebalance(
  held: readonly MessageQueue[],
  wanted: readonly MessageQueue[],
): RebalancePlan {
  const heldKeys = new Set(held.map(queueKey))
  const wantedKeys = new Set(wanted.map(queueKey))
  return {
    drop: held.filter((queue) => !wantedKeys.has(queueKey(queue))),
    add: wanted.filter((queue) => !heldKeys.has(queueKey(queue))),
  }
}
