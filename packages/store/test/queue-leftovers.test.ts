import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import { ConsumeQueue } from '../src/consumequeue/consume-queue.ts'
import { QueueFiles } from '../src/consumequeue/queue-files.ts'
import { TopicQueues } from '../src/consumequeue/topic-queues.ts'
import { testEnv } from './support/test-env.ts'

test('units left behind the end go with the write that brings what was missing, not before', () => {
  const env = testEnv(memoryDisk(() => 0))
  const files = new QueueFiles(env, { directory: '/q', fileBytes: 400, openFilesMax: 16 })
  const queueOf = (): ConsumeQueue => new ConsumeQueue(files, new TopicQueues('T'), 0)
  const before = queueOf()
  for (let n = 0; n < 50; n++) before.append(100 * n, 100, 0)
  before.write()
  const queue = queueOf()
  queue.adopt(0, 60)
  queue.endAt(10)
  queue.append(9_000, 100, 0)
  queue.clearOnceWritten()
  const left = queueOf()
  left.adopt(0, 60)
  assert.ok(left.units(11, 1)?.buffer.readInt32BE(8) === 100, 'it may still be needed')
  queue.write()
  assert.equal(queue.hasMoreInFile(), false)
  assert.equal(queue.fileEnd, 20)
  assert.equal(queue.offsetMax, 11)
})
