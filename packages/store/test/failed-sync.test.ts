import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Disk, DiskFile } from '@skylarkmq/env'
import { MessageStore } from '../src/index.ts'
import { SimStore } from './support/sim-store.ts'
import { openParts } from '../src/recovery/open-store.ts'
import { storePaths } from '../src/segment/store-paths.ts'
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
import { hostFailure, testEnv } from './support/test-env.ts'
import { expectEvent } from '@skylarkmq/env/sim'
import { syncFailed, syncWorksAgain } from '../src/events.ts'

const sync = { flushDiskType: 'SYNC_FLUSH' } as const

/** Whether the directory says that a part of the log may not be on disk. */
function isMarked(sim: SimStore): boolean {
  return sim.process.env.disk.list(ROOT).some((entry) => entry.name.startsWith('unsynced.'))
}

describe('After a failed sync of the log', () => {
  test('a send that waits is refused with the reason, and so is every later one', async () => {
    const sim = new SimStore(sync)
    await sim.start()
    await sim.put({ text: 'zero' })
    sim.failSyncs()
    const waiting = await sim.put({ text: 'one' })
    assert.equal(waiting.status, 'SERVICE_NOT_AVAILABLE')
    assert.match(waiting.remark ?? '', /could not be brought to disk: EIO/)
    const later = await sim.put({ text: 'two' })
    assert.equal(later.status, 'SERVICE_NOT_AVAILABLE')
    assert.match(later.remark ?? '', /EIO/)
    assert.ok(isMarked(sim), 'a kill does not make it forgotten')
  })

  test('messages are accepted again once a sync works, and none is lost by a power cut', async (t) => {
    const sim = new SimStore(sync)
    const store = await sim.start()
    assert.equal((await sim.put({ text: 'before' })).status, 'PUT_OK')
    sim.failSyncs()
    await sim.put({ text: 'during' })
    await sim.pass(5000)
    sim.heal()
    await sim.pass(10_000)
    assert.equal(store.whyNotWriteable(), undefined)
    expectEvent(t, sim.seen, syncWorksAgain)
    assert.ok(!isMarked(sim))
    assert.equal((await sim.put({ text: 'after' })).status, 'PUT_OK')
    // The pages of `during` count as clean since the sync failed: only writing them again saves what follows.
    sim.node.powerCut()
    await sim.start()
    assert.deepEqual(await sim.bodies(), ['before', 'during', 'after'])
    await sim.stop()
  })

  test('consumers continue with what is on disk or in memory', async (t) => {
    const sim = new SimStore()
    await sim.start()
    for (const text of ['a', 'b', 'c']) await sim.put({ text })
    sim.failSyncs(true)
    await sim.pass(1000)
    expectEvent(t, sim.seen, syncFailed)
    assert.deepEqual(await sim.bodies(), ['a', 'b', 'c'])
  })

  test('what the host forgot and memory does not have is not served, and is cut off in the end', async () => {
    const sim = new SimStore({ logTailMemoryBytes: 64 * 1024 })
    const store = await sim.start()
    await sim.put({ text: 'kept' })
    await sim.pass(1000)
    const proven = store.flushedOffset
    sim.failSyncs(true)
    for (let i = 0; i < 60; i++) void store.putMessage(message({ text: 'x'.repeat(2000) }))
    await sim.pass(1000)
    assert.equal(store.flushedOffset, proven)
    const reading = store.getMessage('TopicTest', 0, 1, { maxCount: 1 })
    await sim.pass(100)
    const found = await reading
    // Either it is still in memory, or the reader is told to come again for it.
    assert.ok(found.count === 1 || found.nextBeginOffset === 1)
    sim.heal()
    await sim.pass(5000)
    assert.equal(store.whyNotWriteable(), undefined)
    assert.equal(store.flushedOffset, store.commitLogOffsetMax)
    const next = await sim.put({ text: 'next' })
    assert.equal(next.queueOffset, store.offsetMax('TopicTest', 0) - 1)
    assert.deepEqual((await sim.bodies()).at(-1), 'next')
    await sim.stop()
  })

  test('an index that lacks keys does not look for them where the files may lack the records', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 20; i++) putOk(env, store, message())
    const proven = store.queueUnitAt('TopicTest', 0, 10)?.physicalOffset as number
    await stopAndCheck(env, store, config)
    const { log, index, upkeep } = openParts(env, config, storePaths(config), true)
    assert.ok(index !== undefined && upkeep !== undefined)
    log.suspect(proven)
    index.behindFrom = 0
    assert.ok(!upkeep.catchUp())
    assert.equal(index.behindFrom, proven)
    log.trust()
    assert.ok(upkeep.catchUp())
    assert.equal(index.behindFrom, undefined)
  })

  test('a process that is killed meanwhile leaves word, and the next one writes the log again', async () => {
    const sim = new SimStore()
    await sim.start()
    for (const text of ['a', 'b']) await sim.put({ text })
    sim.failSyncs()
    await sim.pass(1000)
    sim.node.kill()
    sim.heal()
    const again = await sim.start()
    assert.ok(!isMarked(sim))
    assert.equal(again.flushedOffset, again.commitLogOffsetMax)
    sim.node.powerCut()
    await sim.start()
    assert.deepEqual(await sim.bodies(), ['a', 'b'])
    await sim.stop()
  })

  test('nothing is lost when the process is killed before it can leave word', async () => {
    const sim = new SimStore({ flushIntervalCommitLog: 5000 })
    await sim.start()
    const texts = Array.from({ length: 9 }, (_, i) => `${i}`.repeat(1000))
    for (const text of texts) void sim.store.putMessage(message({ text }))
    await sim.pass(10)
    sim.failSyncs()
    sim.seen.push = (name) => {
      if (name === 'store.sync.failed') sim.node.kill()
      return 0
    }
    await sim.pass(10_000)
    assert.equal(sim.node.deaths.killed, 1)
    sim.heal()
    const again = await sim.start()
    assert.ok(!isMarked(sim))
    assert.equal(again.flushedOffset, again.commitLogOffsetMax)
    sim.node.powerCut()
    await sim.start()
    assert.deepEqual(await sim.bodies(), texts)
    await sim.stop()
  })
})

describe('After a kill, on a full disk that has no room to write the log once more', () => {
  const isOfLog = (path: string): boolean => path.includes('/commitlog/')

  test('the store opens, and the next open with room writes it again', async () => {
    const env = testEnv()
    const config = smallConfig()
    const store = await startStore(env, config)
    for (let i = 0; i < 3; i++) putOk(env, store, message({ text: `m${i}` }))
    const full = env.kill()
    full.fault = (operation, path) =>
      operation === 'write' && isOfLog(path) ? hostFailure('ENOSPC') : undefined
    const again = await startStore(full, config)
    assert.equal((await readAll(again, 'TopicTest', 0)).records.length, 3)
    const isMarkedNow = (): boolean =>
      full.disk.list(ROOT).some(({ name }) => name.startsWith('unsynced.'))
    assert.ok(isMarkedNow())
    full.fault = undefined
    await again.shutdown()
    let written = 0
    full.fault = (operation, path) => {
      if (operation === 'write' && isOfLog(path)) written++
      return undefined
    }
    const last = await startStore(full, config)
    assert.ok(written > 0, 'an orderly stop proves nothing of it')
    assert.ok(!isMarkedNow())
    await stopAndCheck(full, last, config)
  })

  test('the end of a file, which is zeros, needs none', async () => {
    const env = testEnv()
    const config = smallConfig()
    const store = await startStore(env, config)
    // The second one does not fit into the first file, whose end stays a hole.
    for (let i = 0; i < 2; i++) putOk(env, store, message({ text: 'x'.repeat(40_000) }))
    const again = env.kill()
    const ends: number[] = []
    const disk: Disk = {
      ...again.disk,
      open: (path, mode) => {
        const file = again.disk.open(path, mode)
        const writeNow = (data: Uint8Array, position: number): void => {
          if (path.endsWith('/commitlog/00000000000000000000')) ends.push(position + data.length)
          file.writeNow(data, position)
        }
        return Object.assign(Object.create(file) as DiskFile, { writeNow })
      },
    }
    const opened = await MessageStore.open({ ...again, disk }, config)
    assert.ok(ends.length > 0 && Math.max(...ends) < 50_000, ends.join())
    await opened.shutdown()
    leftUnsound(env)
  })
})
