import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Property } from '@skylarkmq/protocol'
import { goldenStore } from './support/golden.ts'
import { SimStore } from './support/sim-store.ts'
import { ROOT, startStore } from './support/stores.ts'

const LIGHT = { enableLmq: true, enableMultiDispatch: true } as const
const NAMES = ['%LMQ%a', '%LMQ%b']

async function put(sim: SimStore, i: number): Promise<void> {
  const names = i % 3 === 0 ? NAMES.join(',') : NAMES[i % 2]
  const properties = Buffer.from(`${Property.INNER_MULTI_DISPATCH}\x01${names}\x02`)
  await sim.put({ properties, text: `m${i}` })
}

/** Bodies of a light queue, by its units. */
function bodiesOf({ store }: SimStore, name: string): string[] {
  return Array.from({ length: store.offsetMax(name, 0) }, (_, offset) => {
    const unit = store.queueUnitAt(name, 0, offset)
    const record = store.recordAt(unit?.physicalOffset ?? -1) ?? Buffer.alloc(88)
    return record.toString('utf8', 88, 88 + record.readInt32BE(84))
  })
}

function expected(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => i)
    .filter((i) => i % 3 === 0 || NAMES[i % 2] === name)
    .map((i) => `m${i}`)
}

for (const how of ['kill', 'powerCut'] as const) {
  test(`after a ${how} light queues have what their messages say`, async () => {
    const sim = new SimStore({ ...LIGHT, flushDiskType: 'SYNC_FLUSH' })
    await sim.start()
    for (let i = 0; i < 40; i++) {
      await put(sim, i)
      if (i % 13 !== 12) continue
      sim.node[how]()
      await sim.start()
      for (const name of NAMES) assert.deepEqual(bodiesOf(sim, name), expected(name, i + 1))
    }
    for (const name of NAMES) assert.deepEqual(bodiesOf(sim, name), expected(name, 40))
    await sim.stop()
  })
}

test('a message that could not be written has no place in its light queues', async () => {
  const sim = new SimStore(LIGHT)
  await sim.start()
  for (let i = 0; i < 4; i++) await put(sim, i)
  sim.node.disk.faults = { ...sim.node.disk.faults, writeErrors: 1 }
  await put(sim, 4)
  sim.heal()
  await sim.pass(5_000)
  for (let i = 4; i < 8; i++) await put(sim, i)
  for (const name of NAMES) assert.deepEqual(bodiesOf(sim, name), expected(name, 8))
  await sim.stop()
})

test('light queues that Apache wrote outlive a start after a crash, with the options and without', async () => {
  for (const changes of [{}, LIGHT]) {
    const { env, config } = goldenStore('extras')
    const before = await startStore(env, { ...config, ...changes })
    const queues = before.topics().filter((topic) => topic.startsWith('%LMQ%'))
    const ends = queues.map((topic) => before.offsetMax(topic, 0))
    assert.ok(ends.length === 2 && ends.every((end) => end > 0))
    await before.shutdown()
    env.disk.writeFile(`${ROOT}/abort`, Buffer.alloc(0))
    const after = await startStore(env, { ...config, ...changes })
    assert.deepEqual(
      queues.map((topic) => after.offsetMax(topic, 0)),
      ends,
    )
    await after.shutdown()
  }
})
