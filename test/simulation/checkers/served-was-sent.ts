import assert from 'node:assert/strict'
import { decodeRecord } from '@skylarkmq/protocol'
import type { GetMessageResult } from '@skylarkmq/store'
import { queueName } from '../ledger.ts'
import type { Ledger, Sent } from '../ledger.ts'

/** What a consumer gets is what somebody sent to that queue, at the offset that it says. */
export function checkServedWasSent(
  ledger: Ledger,
  topic: string,
  queueId: number,
  result: GetMessageResult,
): Sent[] {
  return result.records.map((record, i) => {
    const where = `a pull of ${queueName(topic, queueId)} at ${result.queueOffsets[i]}`
    const decoded = decodeRecord(record)
    assert.equal(decoded.queueOffset, result.queueOffsets[i], where)
    const sent = ledger.ofBody(decoded.body.toString(), where)
    assert.equal(queueName(sent.topic, sent.queueId), queueName(topic, queueId), where)
    return sent
  })
}
