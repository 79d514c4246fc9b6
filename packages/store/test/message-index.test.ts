import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeRecord, javaHash } from '@skylarkmq/protocol'
import { inspectIndex } from '@skylarkmq/store-tools'
import { ROOT, message, putOk, smallConfig, startStore, stopAndCheck } from './support/stores.ts'
import { testEnv } from './support/test-env.ts'

const EVER = [0, Number.MAX_SAFE_INTEGER] as const

describe('A query by key', () => {
  test('finds by unique key and by each word of the keys, in any script', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const properties = Buffer.from('UNIQ_KEY\x01U1\x02KEYS\x01one  two 键\x02TAGS\x01t\x02')
    const result = putOk(env, store, message({ properties, tagsCode: javaHash('t') }))
    for (const key of ['U1', 'one', 'two', '键']) {
      const found = store.queryByKey('TopicTest', key, 8, ...EVER)
      assert.equal(found.records.length, 1, key)
      assert.equal(decodeRecord(found.records[0] as Buffer).physicalOffset, result.physicalOffset)
      assert.equal(found.indexLastUpdatePhysicalOffset, result.physicalOffset)
      assert.equal(found.indexLastUpdateTimestamp, result.storeTimestamp)
    }
    assert.equal(store.queryByKey('TopicTest', '', 8, ...EVER).records.length, 0)
    assert.equal(store.queryByKey('TopicOther', 'one', 8, ...EVER).records.length, 0)
    await stopAndCheck(env, store, config)
  })

  test('finds messages of a time, newest first, over several files', async () => {
    const [env, config] = [testEnv(), smallConfig({ maxIndexNum: 20, maxHashSlotNum: 7 })]
    const store = await startStore(env, config)
    const times: number[] = []
    for (let i = 0; i < 50; i++) {
      times.push(env.clock.now())
      putOk(env, store, message({ properties: Buffer.from('KEYS\x01k\x02'), text: String(i) }))
      env.clock.advance(1000)
    }
    assert.equal(inspectIndex(env.disk, ROOT).length, 3)
    const bodies = (max: number, from: number, to: number): string[] =>
      store
        .queryByKey('TopicTest', 'k', max, times[from] as number, times[to] as number)
        .records.map((record) => decodeRecord(record).body.toString())
    assert.deepEqual(bodies(64, 10, 12), ['12', '11', '10'])
    assert.deepEqual(bodies(2, 0, 49), ['49', '48'])
    assert.equal(bodies(64, 0, 49).length, 50)
    await stopAndCheck(env, store, config)
  })

  test('finds the same before the index is written, after, and after a restart', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 90; i++) {
      putOk(env, store, message({ properties: Buffer.from(`KEYS\x01k${i % 30} all\x02`) }))
    }
    const find = (from: typeof store): number[] =>
      ['k0', 'k7', 'k29', 'all', 'none'].map(
        (key) => from.queryByKey('TopicTest', key, 1000, ...EVER).records.length,
      )
    assert.deepEqual(find(store), [3, 3, 3, 64, 0])
    env.clock.advance(30_000)
    assert.deepEqual(find(store), [3, 3, 3, 64, 0])
    await stopAndCheck(env, store, config)
    const again = await startStore(env, config)
    assert.deepEqual(find(again), [3, 3, 3, 64, 0])
    await stopAndCheck(env, again, config)
  })

  test('finds nothing when the index is switched off', async () => {
    const [env, config] = [testEnv(), smallConfig({ messageIndexEnable: false })]
    const store = await startStore(env, config)
    putOk(env, store, message())
    assert.equal(store.queryByKey('TopicTest', 'ID1', 8, ...EVER).records.length, 0)
    await stopAndCheck(env, store, config)
    assert.deepEqual(inspectIndex(env.disk, ROOT), [])
  })
})
