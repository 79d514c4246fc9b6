import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeProperties, Property, TIMER_TOPIC } from '@skylarkmq/protocol'
import { timerSlotOf } from '../src/index.ts'
import { openParts } from '../src/recovery/open-store.ts'
import { cutCaches, type RecoveryParts } from '../src/recovery/recovery.ts'
import { storePaths } from '../src/segment/store-paths.ts'
import { SimStore } from './support/sim-store.ts'
import { ROOT, message, putOk, smallConfig, startStore, stopAndCheck } from './support/stores.ts'
import { hostFailure, settled, testEnv } from './support/test-env.ts'

function waiting(sim: SimStore, key: string, waitMs: number): Partial<ReturnType<typeof message>> {
  const deliverMs = sim.process.env.clock.now() + waitMs
  const properties = encodeProperties({
    [Property.UNIQ_KEY]: key,
    [Property.TIMER_DELIVER_MS]: String(deliverMs),
    [Property.TIMER_OUT_MS]: String(timerSlotOf(deliverMs, 1000)),
    [Property.REAL_TOPIC]: 'TopicTest',
    [Property.REAL_QID]: '0',
  })
  return { topic: TIMER_TOPIC, properties, body: Buffer.from(key) }
}

/** What follows is neither brought to disk nor kept in memory, so it is cut off. */
async function loseTheEnd(sim: SimStore): Promise<void> {
  sim.failSyncs(true)
  for (let i = 0; i < 60; i++) {
    void sim.store.putMessage(message({ queueId: 1, text: 'x'.repeat(2000) }))
  }
  await sim.pass(4000)
  sim.heal()
  await sim.pass(5000)
  assert.ok(sim.seen.includes('store.commitlog.torn'), 'the log was cut')
}

async function smallMemory(): Promise<SimStore> {
  const sim = new SimStore({ logTailMemoryBytes: 64 * 1024, flushIntervalCommitLog: 2000 })
  await sim.start()
  return sim
}

test('a log that is cut while it is open tells where', async () => {
  const sim = await smallMemory()
  const cuts: number[] = []
  sim.store.watch({ cut: (offset) => void cuts.push(offset) })
  await sim.put()
  await sim.pass(3000)
  const proven = sim.store.flushedOffset
  await loseTheEnd(sim)
  assert.equal(cuts.length, 1)
  assert.ok((cuts[0] as number) >= proven)
  await sim.stop()
})

test('what waited and was delivered behind the cut is delivered once more, and once', async () => {
  const sim = await smallMemory()
  await sim.put(waiting(sim, 'timed', 5000))
  for (let i = 0; i < 8000 && sim.store.offsetMax('TopicTest', 0) === 0; i++) await sim.pass(1)
  assert.equal(sim.store.offsetMax('TopicTest', 0), 1)
  await loseTheEnd(sim)
  await sim.pass(20_000)
  assert.deepEqual(await sim.bodies(), ['timed'])
  await sim.stop()
})

test('what comes after the cut in the place of what waited is not passed over', async () => {
  const sim = await smallMemory()
  await sim.put()
  await sim.pass(3000)
  void sim.store.putMessage(message(waiting(sim, 'lost', 30_000)))
  await sim.pass(100)
  await loseTheEnd(sim)
  const isLost = sim.store.offsetMax(TIMER_TOPIC, 0) === 0
  await sim.put(waiting(sim, 'kept', 10_000))
  await sim.pass(60_000)
  assert.deepEqual((await sim.bodies()).slice(1), isLost ? ['kept'] : ['kept', 'lost'])
  await sim.stop()
})

/** A cut of which the host refuses one operation on queues and index; returns whether there were so many. */
async function cutRefusedAt(place: number): Promise<boolean> {
  const env = testEnv()
  const config = smallConfig({ logTailMemoryBytes: 64 * 1024, maxIndexNum: 40 })
  const store = await startStore(env, config)
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      env.clock.advance(100)
      for (let i = 0; i < 5; i++) await settled()
    }
  }
  const cuts: number[] = []
  store.watch({ cut: (offset) => void cuts.push(offset) })
  putOk(env, store, message({ text: 'kept' }))
  await pass(3000)
  const proven = store.flushedOffset
  assert.equal(proven, store.commitLogOffsetMax)
  for (let i = 0; i < 100; i++) {
    const properties = Buffer.from(`UNIQ_KEY\x01ID${i}\x02`)
    putOk(env, store, message({ queueId: 1, text: 'x'.repeat(2000), properties }))
  }
  env.fault = (operation, path) =>
    operation === 'sync' && path.includes('/commitlog/') ? hostFailure('EIO') : undefined
  await pass(config.flushIntervalCommitLog)
  // The host has lost what it could not write, and memory does not go back so far.
  const file = env.disk.open(`${ROOT}/commitlog/${'0'.repeat(20)}`, 'write')
  file.writeNow(Buffer.alloc(1000), proven)
  file.close()
  let count = 0
  env.fault = (operation, path) => {
    const isCache = path.includes('/consumequeue/') || path.includes('/index/')
    if (!isCache || operation === 'sync' || count++ !== place) return undefined
    return hostFailure('EIO')
  }
  await pass(5000)
  env.fault = undefined
  assert.equal(store.whyNotWriteable(), undefined)
  assert.deepEqual(cuts, [proven])
  assert.equal(store.offsetMax('TopicTest', 1), 0)
  for (let i = 0; i < 100; i++) {
    const properties = Buffer.from(`UNIQ_KEY\x01NEXT${i}\x02`)
    putOk(env, store, message({ queueId: 1, text: 'next', properties }))
  }
  assert.equal(store.offsetMax('TopicTest', 1), 100)
  await pass(20_000)
  await stopAndCheck(env, store, config)
  return count > place
}

test('a cut that the host refuses in the middle is done once it can be, and then those that follow the log hear of it', async () => {
  let place = 0
  while (await cutRefusedAt(place)) place++
  assert.ok(place > 5, `${place} operations`)
})

test('an index that lags behind the place of a cut lags from there on', async () => {
  const [env, config] = [testEnv(), smallConfig()]
  const store = await startStore(env, config)
  putOk(env, store, message())
  await stopAndCheck(env, store, config)
  const { log, queues, index } = openParts(env, config, storePaths(config), true)
  assert.ok(index !== undefined)
  index.behindFrom = log.offsetMax + 1000
  cutCaches(env, { log, queues, index } as RecoveryParts)
  assert.equal(index.behindFrom, log.offsetMax)
})
