import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import { encodeProperties } from '@skylarkmq/protocol'
import {
  ROOT,
  leftUnsound,
  message,
  putOk,
  readAll,
  smallConfig,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import { testEnv } from './support/test-env.ts'

const QUEUES = 40
const EVER = [0, Number.MAX_SAFE_INTEGER] as const

/** A store whose host takes a millisecond for whatever is done to a name of a file. */
function slowHost() {
  const clock = manualClock()
  const disk = memoryDisk(() => clock.now())
  const host = { spentMs: 0 }
  const slow = {
    ...disk,
    removeDirectory: (path: string) => {
      host.spentMs += 1
      return disk.removeDirectory(path)
    },
    makeDirectory: (path: string) => {
      host.spentMs += 1
      disk.makeDirectory(path)
    },
  }
  const env = testEnv(slow, clock)
  const monotonic = env.clock.monotonic.bind(env.clock)
  env.clock.monotonic = () => monotonic() + host.spentMs
  return { env, host }
}

describe('What looks at much does so in turns', () => {
  test('a deleted topic is gone at once, and its files in some turns; one of its name has none of them', async () => {
    const { env, host } = slowHost()
    const config = smallConfig()
    const store = await startStore(env, config)
    for (let queueId = 0; queueId < QUEUES; queueId++)
      putOk(env, store, message({ topic: 'T', queueId }))
    const folder = `${ROOT}/consumequeue/T`
    for (let i = 0; env.disk.list(folder).length < QUEUES; i++) {
      assert.ok(i < 100, 'all queues are written')
      env.clock.advance(100)
      env.endTurn()
    }
    const before = host.spentMs
    store.deleteTopic('T')
    assert.ok(host.spentMs - before <= 11, `${host.spentMs - before} ms in one turn`)
    assert.ok(env.disk.list(folder).length > QUEUES / 2)
    assert.equal(store.offsetMax('T', 3), 0)
    // Queue 39 is among the last whose files go.
    putOk(env, store, message({ topic: 'T', queueId: 39, text: 'new' }))
    env.clock.advance(200)
    env.endTurn()
    assert.equal(store.offsetMax('T', 39), 1)
    for (let i = 0; i < 20; i++) env.clock.advance(2)
    assert.deepEqual(
      env.disk.list(folder).map(({ name }) => name),
      ['39'],
    )
    assert.equal((await readAll(store, 'T', 39)).records.length, 1)
    store.deleteTopic('T')
    await store.shutdown()
    assert.equal(env.disk.stat(folder), undefined)
    // Only a broker's topics.json says that the topic was deleted.
    leftUnsound(env)
  })

  test('new queues are made some in each turn, and all of them for a checkpoint', async () => {
    const { env, host } = slowHost()
    const config = smallConfig()
    const store = await startStore(env, config)
    for (let queueId = 0; queueId < QUEUES; queueId++)
      putOk(env, store, message({ topic: 'T', queueId }))
    const before = host.spentMs
    env.clock.advance(100)
    env.endTurn()
    const inOneTurn = host.spentMs - before
    assert.ok(inOneTurn > 0 && inOneTurn <= 17, `${inOneTurn} ms in one turn`)
    await stopAndCheck(env, store, config)
    assert.equal(env.disk.list(`${ROOT}/consumequeue/T`).length, QUEUES)
  })

  test('a key that very many messages have is looked up in turns, with the same result', async () => {
    const { env } = slowHost()
    const config = smallConfig({ maxIndexNum: 20_000, mappedFileSizeCommitLog: 4 * 1024 * 1024 })
    const store = await startStore(env, config)
    putOk(env, store, message({ properties: encodeProperties({ KEYS: 'rare' }) }))
    env.clock.advance(5000)
    for (let i = 0; i < 10_000; i++) {
      const result = store.putMessage(message({ properties: encodeProperties({ KEYS: 'k' }) }))
      assert.ok(!(result instanceof Promise))
      if (i % 1000 === 999) env.endTurn()
    }
    assert.ok(!(store.queryByKeyInTurns('TopicTest', 'rare', 8, ...EVER) instanceof Promise))
    const begin = env.clock.now() - 6000
    const search = store.queryByKeyInTurns('TopicTest', 'k', 8, begin, begin + 2000)
    assert.ok(search instanceof Promise)
    const state = { isDone: false }
    void search.then(() => (state.isDone = true))
    let turns = 0
    for (; !state.isDone && turns < 100; turns++) {
      env.endTurn()
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(turns >= 2)
    assert.deepEqual((await search).records, [])
    assert.equal(store.queryByKey('TopicTest', 'k', 8, ...EVER).records.length, 8)
    await stopAndCheck(env, store, config)
  })
})
