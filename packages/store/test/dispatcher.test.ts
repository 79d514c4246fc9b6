import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConsumeQueueTable } from '../src/consumequeue/consume-queue-table.ts'
import { Dispatcher } from '../src/dispatch/dispatcher.ts'

test('a row in which some always wait is no longer than it has to be, and is dispatched in order', () => {
  const table = Object.create(ConsumeQueueTable.prototype) as ConsumeQueueTable
  const dispatcher = new Dispatcher(table, undefined, () => undefined)
  const behind = 100
  for (let i = 0; i < 50_000; i++) {
    const appended = dispatcher.add()
    appended.physicalOffset = i
    appended.sizeBytes = 1
    if (i < behind) continue
    dispatcher.dispatchTo(i - behind + 1)
    assert.equal(dispatcher.dispatchedRecord, i - behind)
    assert.equal(dispatcher.firstWaiting, i - behind + 1)
  }
  assert.ok(dispatcher.rowLength < 4096, `${dispatcher.rowLength} are kept for ${behind}`)
  dispatcher.dropFrom(49_950)
  dispatcher.dispatchTo(50_000)
  assert.equal(dispatcher.dispatchedRecord, 49_949)
  assert.equal(dispatcher.firstWaiting, undefined)
})
