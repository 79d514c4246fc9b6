import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimStore } from './support/sim-store.ts'

const MESSAGES = 20

/** A store whose messages are all in the index and before the recovery point. */
async function filled(seed: number, end: 'stop' | 'kill'): Promise<SimStore> {
  const sim = new SimStore({}, seed)
  await sim.start()
  for (let i = 0; i < MESSAGES; i++) {
    // Without a recovery point a start reads from the last file on that is surely on disk, going by its time.
    if (i === MESSAGES - 1) await sim.pass(5000)
    await sim.put({ properties: Buffer.from(`KEYS\x01k${i}\x02`), text: 'x'.repeat(8000) })
  }
  await sim.pass(2000)
  if (end === 'stop') await sim.stop()
  else sim.node.kill()
  return sim
}

function keysOf(sim: SimStore): number {
  let found = 0
  for (let i = 0; i < MESSAGES; i++) {
    const { records } = sim.store.queryByKey('TopicTest', `k${i}`, 8, 0, Number.MAX_SAFE_INTEGER)
    found += records.length
  }
  return found
}

/** Starts a process that dies in the midst of one of its operations on the disk. False when it had fewer. */
async function startAndDie(
  sim: SimStore,
  operation: number,
  how: 'kill' | 'power',
): Promise<boolean> {
  const { deaths } = sim.node
  const before = deaths.killed + deaths.powerCuts
  sim.node.disk.strikeAt(operation, () => {
    if (how === 'kill') sim.node.kill()
    else sim.node.powerCut()
  })
  await sim.start()
  const hasDied = deaths.killed + deaths.powerCuts > before
  if (!hasDied) await sim.pass(300)
  sim.node.disk.strikeAt(Infinity, () => undefined)
  return hasDied
}

describe('The index keeps every key', () => {
  for (const end of ['stop', 'kill'] as const) {
    for (const how of ['kill', 'power'] as const) {
      test(`whichever operation of a start after a ${end} a ${how} meets, twice in a row too`, async () => {
        let deaths = 0
        for (let operation = 1; ; operation++) {
          const sim = await filled(operation, end)
          if (!(await startAndDie(sim, operation, how))) break
          deaths++
          await startAndDie(sim, operation, how)
          sim.node.kill()
          await sim.start()
          assert.equal(keysOf(sim), MESSAGES, `operation ${operation}`)
          await sim.stop()
        }
        assert.ok(deaths > 5, `${deaths} operations`)
      })
    }
  }
})
