import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeRecord } from '@skylarkmq/protocol'
import { GetMessageStatus } from '../src/index.ts'
import { message, putOk, readAll, smallConfig, startStore, stopAndCheck } from './support/stores.ts'
import { testEnv } from './support/test-env.ts'

// Reference: `DefaultMessageStore.java`, getMessage and isTheBatchFull.
describe('A read of a queue', () => {
  test('says where the offset lies when there is nothing to read', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    putOk(env, store, message())
    const at = async (queueId: number, offset: number): Promise<[string, number]> => {
      const found = await store.getMessage('TopicTest', queueId, offset, { maxCount: 1 })
      return [found.status, found.nextBeginOffset]
    }
    assert.deepEqual(await at(0, 0), [GetMessageStatus.FOUND, 1])
    assert.deepEqual(await at(0, 1), [GetMessageStatus.OFFSET_OVERFLOW_ONE, 1])
    assert.deepEqual(await at(0, 9), [GetMessageStatus.OFFSET_OVERFLOW_BADLY, 1])
    assert.deepEqual(await at(0, -1), [GetMessageStatus.OFFSET_TOO_SMALL, 0])
    assert.deepEqual(await at(5, 0), [GetMessageStatus.NO_MATCHED_LOGIC_QUEUE, 0])
    void store.putMessage(message({ queueId: 7 }))
    assert.deepEqual(await at(7, 0), [GetMessageStatus.NO_MESSAGE_IN_QUEUE, 0])
    env.endTurn()
    await stopAndCheck(env, store, config)
  })

  test('waits for the disk with so many others at most, and all of them get what they asked for', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 1024 * 1024 })]
    const before = await startStore(env, config)
    for (let i = 0; i < 100; i++) putOk(env, before, message({ text: `message ${i}` }))
    await stopAndCheck(env, before, config)
    const store = await startStore(env, config)
    let begun = 0
    env.fault = (operation, path) => {
      if (operation === 'read' && path.includes('commitlog')) begun++
      return undefined
    }
    const reads = Array.from({ length: 1000 }, (_, i) =>
      store.getMessage('TopicTest', 0, i % 100, { maxCount: 1 }),
    )
    assert.ok(begun > 0 && begun <= 256, `${begun} at once`)
    for (const [i, reading] of reads.entries()) {
      const found = await reading
      assert.equal(found.count, 1)
      assert.equal(found.nextBeginOffset, (i % 100) + 1)
    }
    env.fault = undefined
    await stopAndCheck(env, store, config)
  })

  test('returns as many as count and bytes allow, the first whatever its size', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 1024 * 1024 })]
    const store = await startStore(env, config)
    for (let i = 0; i < 50; i++) putOk(env, store, message({ text: 'x'.repeat(1000) }))
    const read = async (maxCount: number, maxBytes?: number): Promise<number> => {
      const limits = maxBytes === undefined ? { maxCount } : { maxCount, maxBytes }
      return (await store.getMessage('TopicTest', 0, 0, limits)).count
    }
    assert.equal(await read(5), 5)
    assert.equal(await read(100), 32)
    assert.equal(await read(32, 500), 1)
    assert.equal(await read(32, 3 * 1150), 3)
    config.maxTransferBytesOnMessageInMemory = 2 * 1150
    assert.equal(await read(32), 2)
    // Far behind the end the limits for the disk hold.
    config.physicalMemoryBytes = 1000
    assert.equal(await read(32), 8)
    config.maxTransferBytesOnMessageInDisk = 1150
    assert.equal(await read(32), 1)
    await stopAndCheck(env, store, config)
  })

  test('scans as many units as its byte limit allows, and says where to continue', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 1024 * 1024 })]
    const store = await startStore(env, config)
    for (let i = 0; i < 2000; i++) {
      void store.putMessage(message({ tagsCode: i === 1700 ? 1 : 0 }))
      if (i % 100 === 99) env.endTurn()
    }
    const filter = { matchesTagsCode: (code: number) => code === 1 }
    const first = await store.getMessage('TopicTest', 0, 0, { maxCount: 32 }, filter)
    assert.equal(first.status, GetMessageStatus.NO_MATCHED_MESSAGE)
    assert.equal(first.nextBeginOffset, 800)
    const third = await store.getMessage('TopicTest', 0, 1600, { maxCount: 32 }, filter)
    assert.deepEqual(third.queueOffsets, [1700])
    assert.equal(third.nextBeginOffset, 2000)
    await stopAndCheck(env, store, config, 'tags code')
  })

  test('asks a filter of records only for messages whose code matches', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 6; i++) putOk(env, store, message({ tagsCode: i % 2, text: `m${i}` }))
    const asked: string[] = []
    const filter = {
      matchesTagsCode: (code: number) => code === 1,
      matchesRecord: (record: Buffer) => {
        asked.push(decodeRecord(record).body.toString())
        return asked.length !== 2
      },
    }
    const found = await store.getMessage('TopicTest', 0, 0, { maxCount: 32 }, filter)
    assert.deepEqual(asked, ['m1', 'm3', 'm5'])
    assert.deepEqual(found.queueOffsets, [1, 5])
    await stopAndCheck(env, store, config, 'tags code')
  })

  test('of old messages asks the disk without blocking, and returns the same records', async () => {
    const [env, config] = [testEnv(), smallConfig({ readCacheMemoryBytes: 256 * 1024 })]
    const store = await startStore(env, config)
    for (let i = 0; i < 600; i++) {
      putOk(env, store, message({ queueId: i % 3, text: `${i} `.repeat(100 + (i % 300)) }))
    }
    const before = await readAll(store, 'TopicTest', 1)
    await stopAndCheck(env, store, config)
    const again = await startStore(env, config)
    assert.ok(again.getMessage('TopicTest', 1, 0, { maxCount: 32 }) instanceof Promise)
    const after = await readAll(again, 'TopicTest', 1)
    assert.deepEqual(after, before)
    // A young one needs no disk.
    putOk(env, again, message({ queueId: 1 }))
    const young = again.getMessage('TopicTest', 1, 200, { maxCount: 1 })
    assert.ok(!(young instanceof Promise))
    assert.equal(young.status, GetMessageStatus.FOUND)
    await stopAndCheck(env, again, config)
  })

  test('suggests a slave when it is far behind the end of the log', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 10; i++) putOk(env, store, message({ text: 'x'.repeat(1000) }))
    const near = await store.getMessage('TopicTest', 0, 0, { maxCount: 1 })
    assert.equal(near.suggestPullingFromSlave, false)
    config.physicalMemoryBytes = 2000
    const far = await store.getMessage('TopicTest', 0, 0, { maxCount: 1 })
    assert.equal(far.suggestPullingFromSlave, true)
    assert.equal(store.isInMemory(0), false)
    await stopAndCheck(env, store, config)
  })
})

test('A time is found in a queue from both sides', async () => {
  const [env, config] = [testEnv(), smallConfig()]
  const store = await startStore(env, config)
  const times: number[] = []
  // Stored in pairs, 100 ms between the pairs.
  for (let i = 0; i < 20; i++) {
    times.push(env.clock.now())
    putOk(env, store, message())
    if (i % 2 === 1) env.clock.advance(100)
  }
  const find = (ms: number, boundary: 'lower' | 'upper'): number =>
    store.offsetByTime('TopicTest', 0, ms, boundary)
  const third = times[4] as number
  assert.equal(find(third, 'lower'), 4)
  assert.equal(find(third, 'upper'), 5)
  assert.equal(find(third - 1, 'lower'), 4)
  assert.equal(find(third - 1, 'upper'), 3)
  assert.equal(find(0, 'lower'), 0)
  assert.equal(find(0, 'upper'), 0)
  assert.equal(find(Number.MAX_SAFE_INTEGER, 'lower'), 20)
  assert.equal(find(env.clock.now() + 1, 'upper'), 19)
  assert.equal(store.offsetByTime('Nowhere', 0, third, 'lower'), 0)
  assert.equal(store.storeTimeOf('TopicTest', 0, 4), third)
  assert.equal(store.storeTimeOf('TopicTest', 0, 20), -1)
  assert.equal(store.earliestStoreTime('TopicTest', 0), times[0])
  assert.equal(store.earliestStoreTimeOfAll(), times[0])
  await stopAndCheck(env, store, config)
})

test('A record is found by its physical offset, and only where one starts', async () => {
  const [env, config] = [testEnv(), smallConfig()]
  const store = await startStore(env, config)
  const first = putOk(env, store, message({ text: 'one' }))
  const second = putOk(env, store, message({ text: 'two' }))
  const record = store.recordAt(second.physicalOffset)
  assert.ok(record !== undefined)
  assert.equal(record.length, second.sizeBytes)
  assert.equal(decodeRecord(record).body.toString(), 'two')
  assert.equal(store.recordAt(first.physicalOffset, first.sizeBytes)?.length, first.sizeBytes)
  assert.equal(store.recordAt(first.physicalOffset, first.sizeBytes - 1), undefined)
  for (const offset of [-1, 1, second.physicalOffset + second.sizeBytes, 2 ** 40]) {
    assert.equal(store.recordAt(offset), undefined, String(offset))
  }
  await stopAndCheck(env, store, config)
})
