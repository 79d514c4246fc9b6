import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { decodeRecord, parseProperties, transactionState } from '@skylarkmq/protocol'
import { inspectIndex } from '@skylarkmq/store-tools'
import { GetMessageStatus } from '../src/index.ts'
import type { MessageStore } from '../src/index.ts'
import { goldenRecords, goldenStore } from './support/golden.ts'
import type { GoldenRecord } from './support/golden.ts'
import { ROOT, startStore } from './support/stores.ts'

const STORES = [
  'clean',
  'crash',
  'v4.9',
  'v4.9-then-5.3',
  'extras',
  'retention',
  'ha-master',
  'ha-slave',
  'ha-slave-fresh',
]
const INNER_BATCH = 128

const sha = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex').slice(0, 16)

/** A record in the form that the golden file has. */
function formOf(record: Buffer): GoldenRecord {
  const decoded = decodeRecord(record)
  const properties = [...parseProperties(decoded.properties.toString('utf8'))]
  return [
    decoded.physicalOffset,
    decoded.sizeBytes,
    decoded.topic,
    decoded.queueId,
    decoded.queueOffset,
    decoded.sysFlag,
    decoded.flag,
    decoded.bornTimestamp,
    decoded.storeTimestamp,
    decoded.reconsumeTimes,
    decoded.preparedTransactionOffset,
    sha(decoded.body),
    sha(JSON.stringify(properties.sort(([a], [b]) => (a < b ? -1 : 1)))),
  ]
}

/** Pulls the message that a record is; false when its queue begins behind it. */
async function isPulled(store: MessageStore, record: GoldenRecord): Promise<boolean> {
  const [physicalOffset, , topic, queueId, queueOffset] = record
  if (queueOffset < store.offsetMin(topic, queueId)) return false
  const where = `${topic}:${queueId} ${queueOffset}`
  const found = await store.getMessage(topic, queueId, queueOffset, { maxCount: 1 })
  assert.equal(found.status, GetMessageStatus.FOUND, where)
  const [first] = found.records
  assert.ok(first !== undefined, where)
  assert.equal(decodeRecord(first).physicalOffset, physicalOffset, where)
  assert.deepEqual(formOf(first), record, where)
  return true
}

describe('Every record that Apache wrote', () => {
  for (const name of STORES) {
    test(`is read as Apache's manifest has it, and pulled from its queue: ${name}`, async () => {
      const { index, records } = goldenRecords(name)
      const { env, config } = goldenStore(name)
      assert.deepEqual(
        inspectIndex(env.disk, ROOT).map((file) => [
          file.beginTimestamp,
          file.endTimestamp,
          file.beginOffset,
          file.endOffset,
          file.slotCount,
          file.indexCount,
        ]),
        index,
      )
      const store = await startStore(env, config)
      let pulled = 0
      for (const record of records) {
        const [physicalOffset, sizeBytes, , , , sysFlag] = record
        const bytes = store.recordAt(physicalOffset, sizeBytes)
        assert.ok(bytes !== undefined, `record ${physicalOffset}`)
        assert.deepEqual(formOf(bytes), record)
        // Queues of whole batches are of another form, which is not kept here.
        if (transactionState(sysFlag) !== 0 && transactionState(sysFlag) !== 8) continue
        if ((sysFlag & INNER_BATCH) === 0 && (await isPulled(store, record))) pulled++
      }
      assert.ok(pulled > records.length / 2, `${pulled} of ${records.length} were pulled`)
      await store.shutdown()
    })
  }
})
