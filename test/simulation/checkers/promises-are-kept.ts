import assert from 'node:assert/strict'
import { queueName } from '../ledger.ts'
import type { Ledger, Sent } from '../ledger.ts'

/** Every message whose sender was told that it is stored is where the sender was told. */
export function checkPromisesAreKept(ledger: Ledger, found: ReadonlyMap<string, Sent[]>): void {
  for (const sent of ledger.kept()) {
    const there = found.get(queueName(sent.topic, sent.queueId))?.[sent.queueOffset]
    assert.ok(
      there === sent,
      `message ${sent.id} was acknowledged (${sent.promised}) as offset ${sent.queueOffset} of ` +
        `${queueName(sent.topic, sent.queueId)}, where ${there === undefined ? 'nothing' : `message ${there.id}`} is`,
    )
  }
}
