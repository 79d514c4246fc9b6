import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk, type OpenMode } from '@skylarkmq/env'
import { UpdateAndCreateTopic, type HeaderOf } from '@skylarkmq/protocol'
import { testBroker } from './support/broker.ts'

const wanted = (topic: string): HeaderOf<typeof UpdateAndCreateTopic> => ({
  topic,
  defaultTopic: 'TBW102',
  readQueueNums: 4,
  writeQueueNums: 4,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
})

/** A disk in memory on which the syncs of topics.json end when the test says so, or fail. */
function slowDisk() {
  const disk = memoryDisk(() => 0)
  const open = disk.open.bind(disk)
  const waiting: ((error?: Error) => void)[] = []
  disk.open = (path: string, mode: OpenMode) => {
    const file = open(path, mode)
    if (path.endsWith('topics.json')) {
      file.sync = () =>
        new Promise((resolve, reject) => {
          waiting.push((error) => {
            if (error === undefined) resolve()
            else reject(error)
          })
        })
    }
    return file
  }
  return { disk, waiting }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('with SYNC_FLUSH a topic is acknowledged once its file is on disk, and not where that fails', async (t) => {
  const { disk, waiting } = slowDisk()
  const { peer } = await testBroker(t, { disk, config: { flushDiskType: 'SYNC_FLUSH' } })
  const one = peer()
  let code: number | undefined
  const asked = one.ask(UpdateAndCreateTopic, wanted('T')).then((answer) => (code = answer.code))
  while (waiting.length === 0) await turn()
  for (let i = 0; i < 20; i++) await turn()
  assert.equal(code, undefined, 'the file is not on disk yet')
  waiting.shift()?.()
  await asked
  assert.equal(code, 0)

  const failing = one.ask(UpdateAndCreateTopic, wanted('U'))
  while (waiting.length === 0) await turn()
  waiting.shift()?.(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }))
  assert.notEqual((await failing).code, 0)
  const last = setInterval(() => waiting.shift()?.(), 1)
  t.after(() => {
    clearInterval(last)
  })
})

test('with ASYNC_FLUSH a topic is acknowledged once its file is written', async (t) => {
  const { disk, waiting } = slowDisk()
  const { peer } = await testBroker(t, { disk })
  assert.equal((await peer().ask(UpdateAndCreateTopic, wanted('T'))).code, 0)
  while (waiting.length > 0) waiting.shift()?.()
})
