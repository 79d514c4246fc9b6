import assert from 'node:assert/strict'
import { decodeRecord } from '@skylarkmq/protocol'
import type { MessageStore } from '@skylarkmq/store'
import { queueName } from '../ledger.ts'
import type { Ledger, Sent } from '../ledger.ts'

/**
 * Queues have no gap and no message twice: every offset names a record of that queue with that offset, which
 * somebody sent. Returns what is where.
 */
export function checkQueuesAreWhole(store: MessageStore, ledger: Ledger): Map<string, Sent[]> {
  const found = new Map<string, Sent[]>()
  const seen = new Set<Sent>()
  for (const topic of store.topics()) {
    for (const queueId of store.queuesOf(topic)) {
      const name = queueName(topic, queueId)
      const queue: Sent[] = []
      found.set(name, queue)
      assert.equal(store.offsetMin(topic, queueId), 0, `${name} begins at 0`)
      for (let offset = 0; offset < store.offsetMax(topic, queueId);) {
        const where = `${name} offset ${offset}`
        const unit = store.queueUnitAt(topic, queueId, offset)
        assert.ok(unit !== undefined, `${where} has no unit`)
        const record = store.recordAt(unit.physicalOffset, unit.sizeBytes)
        assert.ok(record !== undefined, `${where} names no record: ${unit.physicalOffset}`)
        const decoded = decodeRecord(record)
        assert.equal(decoded.queueOffset, offset, `${where} names another offset`)
        assert.equal(unit.queueOffset, offset, `${where} is in a unit of another one`)
        const sent = ledger.ofBody(decoded.body.toString(), where)
        assert.equal(queueName(sent.topic, sent.queueId), name, `${where} is of another queue`)
        assert.ok(!seen.has(sent), `${where} has message ${sent.id} once more`)
        seen.add(sent)
        // A batch that is one record stands for several.
        for (let i = 0; i < unit.count; i++) queue.push(sent)
        offset += unit.count
      }
    }
  }
  return found
}
