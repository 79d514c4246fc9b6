import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeProperties, Property, TIMER_TOPIC } from '@skylarkmq/protocol'
import { timerSlotOf } from '../src/index.ts'
import { SimStore } from './support/sim-store.ts'
import { message } from './support/stores.ts'

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
