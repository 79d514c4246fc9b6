import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueueUnitLost } from '../src/errors.ts'
import { openParts } from '../src/recovery/open-store.ts'
import { CleanFiles } from '../src/retention/clean-files.ts'
import { storePaths } from '../src/segment/store-paths.ts'
import { SimStore } from './support/sim-store.ts'
import { message, putOk, smallConfig, startStore, stopAndCheck } from './support/stores.ts'
import { testEnv } from './support/test-env.ts'

const IN_QUEUES = /\/consumequeue\//

test('a unit of a queue that a failed sync took is an error until it is written again, and never a hole', async () => {
  const sim = new SimStore()
  const store = await sim.start()
  await sim.put({ text: 'on disk' })
  await sim.pass(2000)
  const found = new Map<number, number>()
  let lost = 0
  const look = (): void => {
    for (let offset = 0; offset < store.offsetMax('TopicTest', 0); offset++) {
      try {
        const unit = store.queueUnitAt('TopicTest', 0, offset)
        assert.ok(unit !== undefined, `offset ${offset} is there`)
        assert.equal(unit.physicalOffset, found.get(offset) ?? unit.physicalOffset)
        found.set(offset, unit.physicalOffset)
      } catch (error) {
        if (!(error instanceof QueueUnitLost)) throw error
        lost++
      }
    }
  }
  sim.failSyncs(true)
  sim.node.disk.faults = { ...sim.node.disk.faults, where: IN_QUEUES }
  // Every ten seconds the store lets go what it has in memory of a queue that is written.
  for (let i = 0; i < 250; i++) {
    await sim.put({ text: String(i) })
    look()
    await sim.pass(200 + (i % 60))
  }
  assert.ok(lost > 0, 'the host took some')
  sim.heal()
  await sim.pass(5000)
  lost = 0
  look()
  assert.equal(lost, 0)
  await sim.stop()
})

test('while units may be lost no queue moves its first offset: a lost one looks older than all the log has', async () => {
  const env = testEnv()
  const config = smallConfig({ mappedFileSizeCommitLog: 4096 })
  const store = await startStore(env, config)
  for (let i = 0; i < 20; i++) putOk(env, store, message({ text: 'x'.repeat(1000) }))
  await stopAndCheck(env, store, config)
  const parts = openParts(env, config, storePaths(config), true)
  const clean = new CleanFiles(env, config, parts)
  parts.log.segments.removeFirst()
  const first = (): number | undefined => parts.queues.get('TopicTest', 0)?.offsetMin
  parts.queues.areInDoubt = true
  clean.cleanQueues()
  assert.equal(first(), 0)
  parts.queues.areInDoubt = false
  clean.cleanQueues()
  assert.equal(first(), 3)
})
