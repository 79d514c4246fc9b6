import assert from 'node:assert/strict'
import type { ReceivedMessage } from '@skylarkmq/client'
import type { Delivery, Sent } from '../history.ts'

/**
 * A message that waits for a time is stored in its topic at that time or later, by its broker's clock; one that waits for a
 * level's delay comes when that is over. `forwardMs` is how far the broker's clock was set on since it was made.
 */
export function checkNotEarly(
  { id, dueMs, delayMs, sentMs }: Sent,
  { beganMs, queue }: Delivery,
  message: ReceivedMessage,
  forwardMs: number,
): void {
  if (queue.includes('%RETRY%')) return
  if (dueMs !== undefined) {
    const earlyMs = dueMs - message.storeTimestamp
    assert.ok(earlyMs <= 0, `${id} came ${earlyMs} ms early`)
  }
  if (delayMs === undefined) return
  const earlyMs = delayMs - (beganMs - sentMs) - forwardMs
  assert.ok(earlyMs <= 1, `${id} came ${earlyMs} ms before the end of its delay`)
}
