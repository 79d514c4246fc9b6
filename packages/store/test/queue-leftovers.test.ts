import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import { ConsumeQueue } from '../src/consumequeue/consume-queue.ts'
import { QueueFiles } from '../src/consumequeue/queue-files.ts'
import { TopicQueues } from '../src/consumequeue/topic-queues.ts'
import { SimStore } from './support/sim-store.ts'
import { testEnv } from './support/test-env.ts'

test('units left behind the end go with the write that brings what was missing, not before', () => {
  const env = testEnv(memoryDisk(() => 0))
  const files = new QueueFiles(env, { directory: '/q', fileBytes: 400, openFilesMax: 16 })
  const queueOf = (): ConsumeQueue => new ConsumeQueue(files, new TopicQueues('T', files), 0)
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

test('a last file that a power cut left short behind its units loses none, after an orderly stop too', async () => {
  const sim = new SimStore()
  await sim.start()
  for (let i = 0; i < 4; i++) await sim.put({ text: `m${i}` })
  // Its file shows how long a whole one is.
  await sim.put({ queueId: 1 })
  await sim.stop()
  const { disk } = sim.node.start().env
  // A start cuts what is behind the end and gives the file its size back; the first alone may get to disk.
  const path = `${sim.config.storePathRootDir}/consumequeue/TopicTest/0/00000000000000000000`
  disk.open(path, 'write').resize(4 * 20)
  sim.node.exited()
  await sim.start()
  assert.deepEqual(await sim.bodies(), ['m0', 'm1', 'm2', 'm3'])
  await sim.stop()
})

test('a kill between the cut of the only queue file and the return of its size does not decide how long files are', async () => {
  const sim = new SimStore()
  await sim.start()
  for (let i = 0; i < 4; i++) await sim.put({ text: `m${i}` })
  await sim.pass(2000)
  sim.node.kill()
  const { disk } = sim.node.start().env
  const folder = `${sim.config.storePathRootDir}/consumequeue/TopicTest/0`
  disk.open(`${folder}/00000000000000000000`, 'write').resize(4 * 20)
  sim.node.kill()
  await sim.start()
  for (let i = 4; i < 7; i++) await sim.put({ text: `m${i}` })
  await sim.pass(2000)
  assert.deepEqual(
    disk.list(folder).map(({ name }) => [name, disk.stat(`${folder}/${name}`)?.sizeBytes]),
    [['00000000000000000000', sim.config.mappedFileSizeConsumeQueue]],
  )
  sim.node.powerCut()
  await sim.start()
  assert.deepEqual(await sim.bodies(), ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'])
  await sim.stop()
})
