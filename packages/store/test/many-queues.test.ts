import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import { ConsumeQueue } from '../src/consumequeue/consume-queue.ts'
import { unitPhysicalOffset } from '../src/consumequeue/consume-queue-unit.ts'
import { QueueFiles } from '../src/consumequeue/queue-files.ts'
import { TopicQueues } from '../src/consumequeue/topic-queues.ts'
import { message, readAll, smallConfig, startStore, stopAndCheck } from './support/stores.ts'
import { hostFailure, testEnv } from './support/test-env.ts'

const UNITS = 1000

/** A queue beside so many others that it may keep 16 units in memory. */
function crowdedQueue() {
  const env = testEnv(memoryDisk(() => 0))
  const files = new QueueFiles(env, { directory: '/q', fileBytes: 300 * 20, openFilesMax: 4 })
  for (let i = 1; i < 65_536; i++) files.tails.taken()
  const queue = new ConsumeQueue(files, new TopicQueues('T', files), 3)
  let writes = 0
  env.fault = (operation) => {
    if (operation === 'write') writes++
    return undefined
  }
  return { env, files, queue, writes: () => writes }
}

/** The physical offsets of all units, asked for one at a time. */
function offsetsOf(queue: ConsumeQueue): number[] {
  return Array.from({ length: queue.offsetMax }, (_, i) => {
    const span = queue.units(i, 1)
    return span === undefined ? -1 : unitPhysicalOffset(span.buffer, span.at)
  })
}

const expected = Array.from({ length: UNITS }, (_, i) => i * 100)

describe('With many queues', () => {
  test('each keeps few units in memory and writes the others some at a time', () => {
    const { queue, writes } = crowdedQueue()
    for (const offset of expected) queue.append(offset, 100, 0)
    assert.ok(writes() >= UNITS / 16 - 2 && writes() <= UNITS / 8 + 5, `${writes()} writes`)
    assert.equal(queue.isInMemory(UNITS - 1), true)
    assert.equal(queue.isInMemory(UNITS - 17), false)
    assert.deepEqual(offsetsOf(queue), expected)
  })

  test('one that cannot write keeps what it has, says so, and shrinks when it can', () => {
    const { env, files, queue } = crowdedQueue()
    env.fault = (operation) => (operation === 'write' ? hostFailure('ENOSPC') : undefined)
    for (const offset of expected.slice(0, 600)) queue.append(offset, 100, 0)
    assert.equal(files.hasWriteFailed, true)
    assert.deepEqual(offsetsOf(queue), expected.slice(0, 600))
    env.fault = undefined
    for (const offset of expected.slice(600)) queue.append(offset, 100, 0)
    queue.write()
    for (let i = 0; i < UNITS; i++) queue.append(0, 100, 0)
    assert.equal(queue.isInMemory(2 * UNITS - 17), false)
    assert.deepEqual(offsetsOf(queue).slice(0, UNITS), expected)
  })

  test('those that have no units in memory any more leave room to the others', () => {
    const { files, queue } = crowdedQueue()
    queue.append(0, 100, 0)
    assert.equal(files.tails.unitsMax, 16)
    queue.write()
    queue.forgetTail()
    for (let i = 1; i < 65_536; i++) files.tails.givenBack()
    assert.equal(files.tails.unitsMax, 2048)
  })

  test('a message costs no write of its own, and is there again after a kill', async () => {
    const env = testEnv()
    const config = smallConfig({ mappedFileSizeCommitLog: 4 * 1024 * 1024 })
    const store = await startStore(env, config)
    let writes = 0
    env.fault = (operation, path) => {
      if (operation === 'write' && path.includes('/consumequeue/')) writes++
      return undefined
    }
    for (let round = 0; round < 4; round++) {
      for (let q = 0; q < 300; q++) void store.putMessage(message({ topic: 'T', queueId: q }))
      env.endTurn()
      env.clock.advance(100)
    }
    assert.equal(writes, 0)
    const after = env.kill()
    const again = await startStore(after, config)
    for (let q = 0; q < 300; q++) {
      assert.equal((await readAll(again, 'T', q)).records.length, 4)
    }
    await stopAndCheck(after, again, config)
  })
})
