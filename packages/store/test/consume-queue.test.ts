import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import type { Disk } from '@skylarkmq/env'
import {
  message,
  put,
  putOk,
  readAll,
  smallConfig,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import { testEnv } from './support/test-env.ts'

/** A disk that counts open files. */
function countingDisk(): { disk: Disk; most: () => number } {
  const under = memoryDisk(() => 0)
  let open = 0
  let most = 0
  const disk: Disk = {
    ...under,
    open: (path, mode) => {
      const file = under.open(path, mode)
      most = Math.max(most, ++open)
      let isOpen = true
      return new Proxy(file, {
        get: (target, name) => {
          if (name === 'close') {
            return () => {
              if (isOpen) open--
              isOpen = false
            }
          }
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value as () => unknown).bind(target) : value
        },
      })
    },
  }
  return { disk, most: () => most }
}

describe('Consume queues', () => {
  test('of any number need only a few open files', async () => {
    const { disk, most } = countingDisk()
    const env = testEnv(disk)
    const config = smallConfig({ maxOpenQueueFiles: 16, mappedFileSizeCommitLog: 4 * 1024 * 1024 })
    const store = await startStore(env, config)
    for (let round = 0; round < 3; round++) {
      for (let q = 0; q < 600; q++)
        void store.putMessage(message({ topic: `T${q % 60}`, queueId: q }))
      env.endTurn()
      env.clock.advance(1000)
    }
    for (let q = 0; q < 600; q++) {
      assert.equal((await readAll(store, `T${q % 60}`, q)).records.length, 3)
    }
    assert.ok(most() < 40, `${most()} files were open at once`)
    assert.equal(store.topics().length, 60)
    assert.deepEqual(store.queuesOf('T1').slice(0, 3), [1, 61, 121])
    await store.shutdown()
  })

  test('read the same from memory and from their files, across files', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 8 * 1024 * 1024 })]
    const store = await startStore(env, config)
    for (let i = 0; i < 5000; i++) {
      void store.putMessage(message({ tagsCode: i * 1_000_003 * (i % 2 === 0 ? 1 : -1) }))
      if (i % 64 === 63) env.endTurn()
    }
    env.endTurn()
    const units = (): unknown[] =>
      Array.from({ length: 5000 }, (_, i) => store.queueUnitAt('TopicTest', 0, i))
    const inMemory = units()
    // Written, then let go of.
    env.clock.advance(30_000)
    assert.deepEqual(units(), inMemory)
    assert.equal(store.queueUnitAt('TopicTest', 0, 5000), undefined)
    assert.equal(store.queueUnitAt('TopicTest', 0, 7)?.tagsCode, -7 * 1_000_003)
    await stopAndCheck(env, store, config, 'tags code')
  })

  test('of a deleted topic are gone, also when a message for them is on its way', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    putOk(env, store, message({ topic: 'Keep' }))
    putOk(env, store, message({ topic: 'Gone' }))
    env.clock.advance(100)
    void store.putMessage(message({ topic: 'Gone' }))
    assert.deepEqual(store.deleteUnusedTopics(new Set(['Keep'])), ['Gone'])
    env.endTurn()
    env.clock.advance(1000)
    assert.deepEqual(store.topics(), ['Keep'])
    assert.equal(store.offsetMax('Gone', 0), 0)
    assert.equal(put(env, store, message({ topic: 'Gone' })).queueOffset, 0)
    await stopAndCheck(env, store, config)
  })
})
