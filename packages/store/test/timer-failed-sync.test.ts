import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeProperties, Property, TIMER_TOPIC } from '@skylarkmq/protocol'
import { timerSlotOf } from '../src/index.ts'
import { SimStore } from './support/sim-store.ts'
import { ROOT, message } from './support/stores.ts'

const MESSAGES = 40
const WAIT_MS = 40_000

/** A store that took messages which wait, of which the timer log could not be brought to disk. */
async function withFailedSync(seed: number, dropsCache: boolean): Promise<SimStore> {
  const config = { flushDiskType: 'SYNC_FLUSH', mappedFileSizeTimerLog: 1024 } as const
  const sim = new SimStore(config, seed)
  await sim.start()
  await sim.put({ ...waiting(sim, 'first') })
  await sim.pass(5000)
  const answers = Array.from({ length: MESSAGES }, (_, i) =>
    Promise.resolve(sim.store.putMessage(message(waiting(sim, `m${i}`)))),
  )
  await sim.pass(100)
  for (const each of answers) assert.equal((await each).status, 'PUT_OK')
  sim.failSyncs(dropsCache)
  for (let i = 0; i < 80 && !sim.seen.includes('store.timer.failed'); i++) await sim.pass(100)
  assert.ok(sim.seen.includes('store.timer.failed'))
  return sim
}

function waiting(sim: SimStore, key: string): Partial<ReturnType<typeof message>> {
  const deliverMs = sim.process.env.clock.now() + WAIT_MS
  const properties = encodeProperties({
    [Property.UNIQ_KEY]: key,
    [Property.TIMER_DELIVER_MS]: String(deliverMs),
    [Property.TIMER_OUT_MS]: String(timerSlotOf(deliverMs, 1000)),
    [Property.REAL_TOPIC]: 'TopicTest',
    [Property.REAL_QID]: '0',
  })
  return { topic: TIMER_TOPIC, properties, body: Buffer.from(key) }
}

async function assertAllCome(sim: SimStore): Promise<void> {
  await sim.pass(WAIT_MS + 10_000)
  const expected = ['first', ...Array.from({ length: MESSAGES }, (_, i) => `m${i}`)]
  assert.deepEqual((await sim.bodies()).sort(), expected.sort())
  await sim.stop()
}

/** The check point moves on, and the power goes. */
async function cutPower(sim: SimStore): Promise<void> {
  await sim.pass(5000)
  sim.node.powerCut()
  await sim.start()
}

for (const dropsCache of [false, true]) {
  const name = dropsCache
    ? 'and the cache forgets what it could not write'
    : 'and the cache keeps it'
  describe(`A sync of the timer log fails ${name}: every message that waits comes`, () => {
    const seeds = [1, 2, 3, 4]
    test('in the same process', async () => {
      const sim = await withFailedSync(1, dropsCache)
      sim.heal()
      await assertAllCome(sim)
    })

    test('after a power cut', async () => {
      for (const seed of seeds) {
        const sim = await withFailedSync(seed, dropsCache)
        sim.heal()
        await cutPower(sim)
        await assertAllCome(sim)
      }
    })

    test('after a kill, and after a power cut that follows', async () => {
      for (const seed of seeds) {
        const sim = await withFailedSync(seed, dropsCache)
        sim.node.kill()
        sim.heal()
        await sim.start()
        await cutPower(sim)
        await assertAllCome(sim)
      }
    })

    test('after a stop, which says that not all is on disk', async () => {
      for (const seed of seeds) {
        const sim = await withFailedSync(seed, dropsCache)
        await sim.stop()
        const { disk } = sim.node.start().env
        assert.ok(disk.stat(`${ROOT}/abort`) !== undefined)
        sim.node.exited()
        sim.heal()
        await sim.start()
        await cutPower(sim)
        await assertAllCome(sim)
      }
    })
  })
}
