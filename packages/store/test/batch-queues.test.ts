import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProperties, decodeRecord, encodeBatch, Property } from '@skylarkmq/protocol'
import { examineStore, readQueue, repairStore } from '@skylarkmq/store-tools'
import { MessageStore } from '../src/index.ts'
import type { MessageToStore, StoreConfig } from '../src/index.ts'
import { filesBelow } from './support/damage.ts'
import { goldenStore } from './support/golden.ts'
import {
  checkpointed,
  assertSound,
  leftUnsound,
  message,
  putOk,
  readAll,
  ROOT,
  smallConfig,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import { testEnv } from './support/test-env.ts'
import type { TestEnv } from './support/test-env.ts'

const TOPIC = 'Batches'
const INNER_BATCH = 128 | 64
const UNIT_BYTES = 46
const QUEUE = `${ROOT}/batchconsumequeue/${TOPIC}/0`

const small = (changes: Partial<StoreConfig> = {}): StoreConfig =>
  smallConfig({ mapperFileSizeBatchConsumeQueue: 8 * UNIT_BYTES, ...changes })

async function start(env: TestEnv, config: StoreConfig): Promise<MessageStore> {
  const store = await MessageStore.open(env, config, (topic) => topic === TOPIC)
  store.start()
  return store
}

/** A batch of `count` messages as one record, as a broker hands it over. */
function batchOf(count: number, text = 'm'): MessageToStore {
  const members = Array.from({ length: count }, (_, i) => ({
    flag: 0,
    body: Buffer.from(`${text}${i}`),
    properties: Buffer.alloc(0),
  }))
  const properties = Buffer.from(`UNIQ_KEY\x01${text}\x02INNER_NUM\x01${count}\x02`)
  return message({ topic: TOPIC, sysFlag: INNER_BATCH, properties, body: encodeBatch(members) })
}

// Reference of this file: `BatchConsumeQueue.java`.
test('a batch takes as many offsets as it has messages, and is read whole from each of them', async () => {
  const env = testEnv()
  const config = small()
  const store = await start(env, config)
  const puts = [3, 5].map((count) => putOk(env, store, batchOf(count)))
  puts.push(putOk(env, store, message({ topic: TOPIC })), putOk(env, store, batchOf(2)))
  assert.deepEqual(
    puts.map(({ queueOffset }) => queueOffset),
    [0, 3, 8, 9],
  )
  assert.deepEqual([store.offsetMin(TOPIC, 0), store.offsetMax(TOPIC, 0)], [0, 11])
  const read = async (offset: number, maxCount: number): Promise<unknown[]> => {
    const found = await store.getMessage(TOPIC, 0, offset, { maxCount })
    return [found.queueOffsets, found.count, found.nextBeginOffset]
  }
  assert.deepEqual(await read(0, 32), [[0, 3, 8, 9], 11, 11])
  assert.deepEqual(await read(4, 32), [[3, 8, 9], 8, 11])
  // The first is taken whatever its size.
  assert.deepEqual(await read(5, 1), [[3], 5, 8])
  assert.deepEqual(await read(5, 7), [[3, 8], 6, 9])
  assert.equal(
    (await store.getMessage(TOPIC, 0, 11, { maxCount: 1 })).status,
    'OFFSET_OVERFLOW_ONE',
  )
  const second = decodeRecord((await readAll(store, TOPIC, 0)).records[1] as Buffer)
  assert.equal(second.queueOffset, 3)
  assert.equal(decodeProperties(second.properties).get(Property.INNER_BASE), '3')
  await stopAndCheck(env, store, config)
})

test('the units of batches are those of Apache', async () => {
  const env = testEnv()
  const config = small()
  const store = await start(env, config)
  const first = putOk(env, store, batchOf(3))
  const { physicalOffset, sizeBytes, storeTimestamp } = putOk(env, store, batchOf(5))
  await stopAndCheck(env, store, config)
  const file = env.disk.readFile(`${QUEUE}/${'0'.repeat(20)}`) ?? Buffer.alloc(0)
  assert.equal(file.length, 8 * UNIT_BYTES)
  const unit = file.subarray(UNIT_BYTES)
  assert.equal(Number(unit.readBigInt64BE(0)), physicalOffset)
  assert.equal(physicalOffset, first.physicalOffset + first.sizeBytes)
  assert.equal(unit.readInt32BE(8), sizeBytes)
  assert.equal(Number(unit.readBigInt64BE(12)), 0)
  assert.equal(Number(unit.readBigInt64BE(20)), storeTimestamp)
  assert.equal(Number(unit.readBigInt64BE(28)), 3)
  assert.deepEqual([unit.readInt16BE(36), unit.readInt32BE(38), unit.readInt32BE(42)], [5, -1, 0])
  assert.ok(unit.subarray(UNIT_BYTES).every((byte) => byte === 0))
})

test('batches are found by the time at which they were stored', async () => {
  const env = testEnv()
  const config = small()
  const store = await start(env, config)
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    env.clock.advance(10)
    times.push(putOk(env, store, batchOf(3)).storeTimestamp)
  }
  for (const [i, time] of times.entries()) {
    assert.equal(store.offsetByTime(TOPIC, 0, time, 'lower'), 3 * i)
    assert.equal(store.offsetByTime(TOPIC, 0, time - 9, 'lower'), 3 * i)
    assert.equal(store.offsetByTime(TOPIC, 0, time + 9, 'upper'), 3 * i)
    assert.equal(store.storeTimeOf(TOPIC, 0, 3 * i + 2), time)
  }
  assert.equal(store.offsetByTime(TOPIC, 0, (times.at(-1) ?? 0) + 1, 'lower'), 57)
  await stopAndCheck(env, store, config)
})

for (const how of ['stop', 'kill'] as const) {
  test(`after a ${how} at any time the batches are there, and their numbering continues`, async () => {
    let env = testEnv()
    const config = small({ mappedFileSizeConsumeQueue: 8 * 20 })
    const expected: number[] = []
    let next = 0
    for (let round = 0; round < 6; round++) {
      const store = await start(env, config)
      assert.deepEqual((await readAll(store, TOPIC, 0)).queueOffsets, expected)
      for (let i = 0; i < 5 + round; i++) {
        const count = 1 + ((round + i) % 4)
        assert.equal(putOk(env, store, batchOf(count)).queueOffset, next)
        expected.push(next)
        next += count
      }
      if (how === 'stop') await stopAndCheck(env, store, config)
      else env = env.kill()
    }
    const store = await start(env, config)
    assert.equal(store.offsetMax(TOPIC, 0), next)
    await stopAndCheck(env, store, config)
    // Somebody took the queues away to have them made again.
    env.disk.removeTree(`${ROOT}/batchconsumequeue`)
    const again = await start(env, config)
    assert.deepEqual((await readAll(again, TOPIC, 0)).queueOffsets, expected)
    await stopAndCheck(env, again, config)
  })
}

test('batches that expired are gone, and the first offset is that of the first that is left', async () => {
  const env = testEnv()
  const config = small({ mappedFileSizeCommitLog: 4096 })
  const store = await start(env, config)
  for (let i = 0; i < 60; i++) putOk(env, store, batchOf(3, 'x'.repeat(40)))
  env.clock.advance(config.fileReservedTime * 3_600_000 + 1)
  putOk(env, store, batchOf(3))
  await checkpointed(env)
  assert.ok(store.cleanExpiredCommitLog() > 0)
  for (let i = 0; i < 100; i++) env.clock.advance(config.deleteCommitLogFilesInterval)
  const min = store.offsetMin(TOPIC, 0)
  assert.ok(min > 0 && min % 3 === 0, `begins at ${min}`)
  assert.equal((await readAll(store, TOPIC, 0)).queueOffsets[0], min)
  assert.ok(env.disk.list(QUEUE).length < 8)
  const before = await store.getMessage(TOPIC, 0, 1, { maxCount: 32 })
  assert.deepEqual([before.status, before.nextBeginOffset], ['OFFSET_TOO_SMALL', min])
  await stopAndCheck(env, store, config)
})

// Golden data: `extras`, in which Apache 5.3.3 stored three batches of four messages, and messages in light queues.
test("what Apache's broker stored as batches is served, and made anew to the byte", async () => {
  const { env, config } = goldenStore('extras')
  const store = await startStore(env, { ...config, mappedFileSizeTimerLog: 65_536 })
  assert.deepEqual([store.offsetMin('TopicBcq', 0), store.offsetMax('TopicBcq', 0)], [0, 12])
  assert.deepEqual((await readAll(store, 'TopicBcq', 0)).queueOffsets, [0, 4, 8])
  assert.deepEqual((await readAll(store, 'TopicBcq', 0, 6)).queueOffsets, [4, 8])
  await store.shutdown()

  const { env: again } = goldenStore('extras')
  const folders = ['batchconsumequeue', 'consumequeue/%LMQ%one', 'consumequeue/%LMQ%two']
  const bytes = (): unknown => folders.map((each) => filesBelow(again.disk, `${ROOT}/${each}`))
  const before = bytes()
  const { report } = await repairStore(again, config, { all: true })
  assert.deepEqual(report.problems, [])
  assert.deepEqual(bytes(), before)
  leftUnsound(env)
})

test('a check finds a batch whose unit is wrong, and a repair puts it right', async () => {
  const env = testEnv()
  const config = small()
  const store = await start(env, config)
  for (const count of [3, 5, 2]) putOk(env, store, batchOf(count))
  await stopAndCheck(env, store, config)
  const path = `${QUEUE}/${'0'.repeat(20)}`
  const sound = env.disk.readFile(path) ?? Buffer.alloc(0)
  const wrong = Buffer.from(sound)
  wrong.writeInt16BE(4, UNIT_BYTES + 36)
  env.disk.writeFile(path, wrong)
  const { problems } = examineStore(env.disk, config)
  assert.deepEqual(
    problems.map(({ what }) => what),
    ['states 4 messages, but the batch has 5'],
  )
  await repairStore(env, config, {})
  assert.deepEqual(env.disk.readFile(path), sound)
  assertSound(env, config)
  assert.deepEqual(
    readQueue(env.disk, `${ROOT}/batchconsumequeue`, TOPIC, 0, { isBatch: true }).map(
      ({ queueOffset, count }) => [queueOffset, count],
    ),
    [
      [0, 3],
      [3, 5],
      [8, 2],
    ],
  )
})

test('a batch for a topic of the usual form is refused, and leftovers of another form are removed', async () => {
  const env = testEnv()
  const config = small()
  let isBatch = false
  const store = await MessageStore.open(env, config, () => isBatch)
  store.start()
  const refused = store.putMessage(batchOf(2))
  assert.ok(!(refused instanceof Promise))
  assert.equal(refused.status, 'MESSAGE_ILLEGAL')
  putOk(env, store, message({ topic: TOPIC }))
  isBatch = true
  store.topicChanged(TOPIC)
  assert.equal(putOk(env, store, batchOf(2)).queueOffset, 0)
  assert.equal(store.offsetMax(TOPIC, 0), 2)
  assert.equal(env.disk.stat(`${ROOT}/consumequeue/${TOPIC}`), undefined)
  await store.shutdown()
})
