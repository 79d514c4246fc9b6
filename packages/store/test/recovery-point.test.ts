import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Disk } from '@skylarkmq/env'
import { inspectCheckpoint } from '@skylarkmq/store-tools'
import { GetMessageStatus, MessageStore, PutMessageStatus } from '../src/index.ts'
import {
  ROOT,
  leftUnsound,
  message,
  put,
  putOk,
  readAll,
  smallConfig,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import { indexEntry, indexHeader } from '../src/index/index-layout.ts'
import { hostFailure, settled, testEnv } from './support/test-env.ts'
import type { TestEnv } from './support/test-env.ts'
import { expectEvent } from '@skylarkmq/env/sim'
import { indexDropped, recordDamaged } from '../src/events.ts'

async function pass(env: TestEnv, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    env.clock.advance(1000)
    await settled()
  }
}

/** The same environment with a disk that counts what is read of the log and of all else. */
function counting(env: TestEnv): { env: TestEnv; read: { log: number; rest: number } } {
  const read = { log: 0, rest: 0 }
  const disk: Disk = {
    ...env.disk,
    open: (path, mode) => {
      const file = env.disk.open(path, mode)
      return new Proxy(file, {
        get: (target, name) => {
          if (name === 'readNow') {
            return (bytes: Uint8Array, position: number) => {
              const count = target.readNow(bytes, position)
              read[path.includes('/commitlog/') ? 'log' : 'rest'] += count
              return count
            }
          }
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value as () => unknown).bind(target) : value
        },
      })
    },
  }
  return { env: { ...env, disk }, read }
}

const keyed = (i: number): ReturnType<typeof message> =>
  message({ queueId: i % 5, properties: Buffer.from(`KEYS\x01k${i}\x02`), text: 'x'.repeat(700) })

/** A store of some 300 KiB in which everything is on disk; nothing of it is open. */
async function filled(end: 'stop' | 'kill'): Promise<{ env: TestEnv; physicalOffsets: number[] }> {
  const env = testEnv()
  const config = smallConfig()
  const store = await startStore(env, config)
  const physicalOffsets: number[] = []
  for (let i = 0; i < 300; i++) physicalOffsets.push(putOk(env, store, keyed(i)).physicalOffset)
  await pass(env, 3)
  if (end === 'kill') {
    // What the kill leaves is checked once it was opened again.
    leftUnsound(env)
    return { env: env.kill(), physicalOffsets }
  }
  await stopAndCheck(env, store, config)
  return { env, physicalOffsets }
}

describe('A start', () => {
  for (const end of ['stop', 'kill'] as const) {
    test(`after a ${end} reads no more of the log than a record for each queue`, async () => {
      const { env } = await filled(end)
      const { env: watched, read } = counting(env)
      const store = await MessageStore.open(watched, smallConfig())
      // A block for the last record, one record for each of five queues, a look at what follows.
      assert.ok(read.log < 200 * 1024, `${read.log} bytes of the log were read`)
      assert.equal(store.offsetMax('TopicTest', 4), 60)
      store.start()
      for (const i of [0, 150, 299]) {
        const found = store.queryByKey('TopicTest', `k${i}`, 8, 0, Number.MAX_SAFE_INTEGER)
        assert.equal(found.records.length, 1, `k${i}`)
      }
      await stopAndCheck(env, store, smallConfig())
    })

    test(`after a ${end} keeps what lies behind a damaged record that was on disk`, async (t) => {
      const { env, physicalOffsets } = await filled(end)
      const damaged = 42
      const at = (physicalOffsets[damaged] as number) % smallConfig().mappedFileSizeCommitLog
      const log = env.disk.open(`${ROOT}/commitlog/00000000000000000000`, 'write')
      log.writeNow(Buffer.from('!'), at + 150)
      const store = await startStore(env, smallConfig())
      const served: number[] = []
      for (let q = 0; q < 5; q++) {
        const { queueOffsets } = await readAll(store, 'TopicTest', q)
        served.push(queueOffsets.length)
      }
      assert.deepEqual(served, [60, 60, 59, 60, 60])
      const only = await store.getMessage('TopicTest', 2, 8, { maxCount: 1 })
      assert.notEqual(only.queueOffsets[0], 8)
      assert.notEqual(only.status, GetMessageStatus.OFFSET_FOUND_NULL)
      expectEvent(t, env.seen, recordDamaged)
      await store.shutdown()
      leftUnsound(env)
    })
  }

  test('does not believe a recovery point once another broker wrote the checkpoint', async () => {
    const { env } = await filled('stop')
    assert.ok(inspectCheckpoint(env.disk, ROOT).point !== undefined)
    const file = env.disk.open(`${ROOT}/checkpoint`, 'write')
    file.writeNow(Buffer.from([1, 2, 3]), 5)
    assert.equal(inspectCheckpoint(env.disk, ROOT).point, undefined)
    const store = await startStore(env, smallConfig())
    assert.equal(store.offsetMax('TopicTest', 0), 60)
    await stopAndCheck(env, store, smallConfig())
  })
})

describe('A recovery point that a start does not believe', () => {
  test('is withdrawn before anything is rebuilt, so that the next start does not trust it either', async () => {
    const { env } = await filled('kill')
    // A power cut at the wrong moment leaves the abort file without its content.
    env.disk.writeFile(`${ROOT}/abort`, Buffer.alloc(0))
    assert.ok(inspectCheckpoint(env.disk, ROOT).point !== undefined)
    await MessageStore.open(env, smallConfig())
    assert.equal(inspectCheckpoint(env.disk, ROOT).point, undefined)
    const again = env.kill()
    await stopAndCheck(again, await startStore(again, smallConfig()), smallConfig())
  })

  test('counts over an abort file that the disk took without its content, whatever fails beside', async () => {
    for (const failing of ['abort.new', 'checkpoint']) {
      const { env } = await filled('stop')
      env.fault = (operation, path) =>
        operation === 'write' && (path.includes('abort.new') || path.includes(failing))
          ? hostFailure('EIO')
          : undefined
      await startStore(env, smallConfig())
      leftUnsound(env)
      const again = env.kill()
      // As it is found: a start that did not believe the point would drop the index.
      again.seen.length = 0
      const store = await startStore(again, smallConfig())
      assert.ok(!again.seen.includes('store.index.dropped'), failing)
      await stopAndCheck(again, store, smallConfig())
    }
  })

  test('an index file with the right name but other entries is rebuilt', async (t) => {
    const { env } = await filled('kill')
    const index = env.disk.list(`${ROOT}/index`).map(({ name }) => `${ROOT}/index/${name}`)
    const newest = index.sort().at(-1) as string
    const entriesAt = indexHeader.sizeBytes + smallConfig().maxHashSlotNum * 4
    env.disk.open(newest, 'write').writeNow(Buffer.alloc(40, 1), entriesAt + indexEntry.sizeBytes)
    const store = await startStore(env, smallConfig())
    expectEvent(t, env.seen, indexDropped)
    for (const i of [0, 150, 299]) {
      const found = store.queryByKey('TopicTest', `k${i}`, 8, 0, Number.MAX_SAFE_INTEGER)
      assert.equal(found.records.length, 1, `k${i}`)
    }
    await stopAndCheck(env, store, smallConfig())
  })
})

describe('An index that cannot be written', () => {
  test('refuses no message, and has every key once it works again', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    putOk(env, store, keyed(0))
    env.fault = (operation, path) =>
      operation !== 'read' && path.includes('/index/') ? hostFailure('ENOSPC') : undefined
    for (let i = 1; i < 900; i++) {
      assert.equal(put(env, store, keyed(i)).status, PutMessageStatus.PUT_OK)
    }
    await pass(env, 30)
    assert.ok(env.seen.includes('store.index.behind'))
    assert.ok(store.isWriteable())
    // What it lacks is in the log, which cannot be read now.
    env.fault = (operation) => (operation === 'read' ? hostFailure('EIO') : undefined)
    await pass(env, 2)
    assert.ok(!env.seen.includes('store.index.caught-up'))
    env.fault = undefined
    await pass(env, 2)
    assert.ok(env.seen.includes('store.index.caught-up'))
    for (let i = 0; i < 900; i++) {
      const found = store.queryByKey('TopicTest', `k${i}`, 8, 0, Number.MAX_SAFE_INTEGER)
      assert.equal(found.records.length, 1, `k${i}`)
    }
    await stopAndCheck(env, store, config)
  })

  test('has every key after a kill as well', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    putOk(env, store, keyed(0))
    env.fault = (operation, path) =>
      operation !== 'read' && path.includes('/index/') ? hostFailure('ENOSPC') : undefined
    for (let i = 1; i < 900; i++) putOk(env, store, keyed(i))
    await pass(env, 30)
    const again = env.kill()
    const recovered = await startStore(again, config)
    for (let i = 0; i < 900; i++) {
      const found = recovered.queryByKey('TopicTest', `k${i}`, 8, 0, Number.MAX_SAFE_INTEGER)
      assert.equal(found.records.length, 1, `k${i}`)
    }
    await stopAndCheck(again, recovered, config)
  })
})
