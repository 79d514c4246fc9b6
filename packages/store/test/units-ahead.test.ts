import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import { ConsumeQueue } from '../src/consumequeue/consume-queue.ts'
import { unitPhysicalOffset } from '../src/consumequeue/consume-queue-unit.ts'
import { QueueFiles } from '../src/consumequeue/queue-files.ts'
import { TopicQueues } from '../src/consumequeue/topic-queues.ts'
import { UnitsAhead } from '../src/read/units-ahead.ts'
import { testEnv } from './support/test-env.ts'

/** Queues of one folder, and how many bytes were read from its files. */
function folder() {
  const env = testEnv(memoryDisk(() => 0))
  const files = new QueueFiles(env, { directory: '/q', fileBytes: 20_000, openFilesMax: 16 })
  const topic = new TopicQueues('T', files)
  let reads = 0
  const read = files.read.bind(files)
  files.read = (...args) => {
    reads++
    return read(...args)
  }
  const queueOf = (queueId: number, units: number): ConsumeQueue => {
    const queue = new ConsumeQueue(files, topic, queueId)
    for (let n = 0; n < units; n++) queue.append(1000 * queueId + n, 10, 0)
    queue.write()
    queue.forgetTail()
    return queue
  }
  return { queueOf, reads: () => reads }
}

/** The physical offsets of units, read in steps. */
function offsets(ahead: UnitsAhead, queue: ConsumeQueue, from: number, to: number): number[] {
  const found: number[] = []
  while (from < to) {
    const span = ahead.units(queue, from, Math.min(7, to - from))
    if (span === undefined) return found
    assert.ok(span.count <= 7)
    for (let i = 0; i < span.count; i++) {
      found.push(unitPhysicalOffset(span.buffer, span.at + i * 20))
    }
    from += span.count
  }
  return found
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

test('units read in small steps are those of the file, which is read seldom', () => {
  const { queueOf, reads } = folder()
  const queue = queueOf(0, 1500)
  const ahead = new UnitsAhead()
  assert.deepEqual(offsets(ahead, queue, 3, 1500), numbers(3, 1500))
  assert.ok(reads() < 10, `${reads()} reads`)
})

test('what was read before a cut is not what a queue has after it', () => {
  const queue = folder().queueOf(0, 100)
  const ahead = new UnitsAhead()
  assert.deepEqual(offsets(ahead, queue, 0, 100), numbers(0, 100))
  queue.truncate(50)
  for (let n = 50; n < 80; n++) queue.append(5000 + n, 10, 0)
  queue.write()
  queue.forgetTail()
  assert.deepEqual(offsets(ahead, queue, 40, 80), [...numbers(40, 50), ...numbers(5050, 5080)])
  queue.writeAgain(60, 7, 10, 0)
  assert.deepEqual(offsets(ahead, queue, 60, 61), [7])
})

test('units that are still in memory come from there, and new ones are seen', () => {
  const queue = folder().queueOf(0, 10)
  const ahead = new UnitsAhead()
  assert.deepEqual(offsets(ahead, queue, 0, 10), numbers(0, 10))
  for (let n = 10; n < 20; n++) queue.append(n, 10, 0)
  assert.deepEqual(offsets(ahead, queue, 5, 20), numbers(5, 20))
})

test('many queues are read in turn without mixing them up', () => {
  const { queueOf } = folder()
  const ahead = new UnitsAhead()
  const queues = numbers(0, 100).map((id) => queueOf(id, 30))
  for (let from = 0; from < 30; from += 10) {
    for (const [id, queue] of queues.entries()) {
      assert.deepEqual(
        offsets(ahead, queue, from, from + 10),
        numbers(1000 * id + from, 1000 * id + from + 10),
      )
    }
  }
})
