import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MessageStore } from '../src/index.ts'
import { writeUnit } from '../src/consumequeue/consume-queue-unit.ts'
import { SimStore } from './support/sim-store.ts'
import {
  ROOT,
  assertSound,
  leftUnsound,
  message,
  putOk,
  readAll,
  smallConfig,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import { settled, testEnv } from './support/test-env.ts'
import type { TestEnv } from './support/test-env.ts'

const config = smallConfig({ mappedFileSizeConsumeQueue: 400 * 20 })
const FIRST_FILE = `${ROOT}/consumequeue/TopicTest/0/00000000000000000000`

interface Place {
  readonly physicalOffset: number
  readonly sizeBytes: number
}

/** A killed store with five messages in queue 0 and ten in queue 1, all before its recovery point. */
async function killed(): Promise<{ env: TestEnv; other: readonly Place[]; own: readonly Place[] }> {
  const env = testEnv()
  const store = await startStore(env, config)
  const own = [0, 1, 2, 3, 4].map(() => putOk(env, store, message({ text: 'own' })))
  const other = Array.from({ length: 10 }, () =>
    putOk(env, store, message({ queueId: 1, text: 'of another queue' })),
  )
  for (let i = 0; i < 3; i++) {
    env.clock.advance(1000)
    await settled()
  }
  leftUnsound(env)
  return { env: env.kill(), own, other }
}

function leave(env: TestEnv, at: number, physicalOffset: number, sizeBytes: number): void {
  const unit = Buffer.alloc(20)
  writeUnit(unit, 0, physicalOffset, sizeBytes, 0)
  env.disk.open(FIRST_FILE, 'write').writeNow(unit, at * 20)
}

describe('Units that a second power cut brings back behind the end of a queue do not count', () => {
  const first = (places: readonly Place[]): Place => places[0] as Place
  const kinds: Record<
    string,
    (env: TestEnv, own: readonly Place[], other: readonly Place[]) => void
  > = {
    'that name records of another queue': (env, _own, other) => {
      for (let i = 0; i < 5; i++) {
        const { physicalOffset, sizeBytes } = other[i] as Place
        leave(env, 5 + i, physicalOffset, sizeBytes)
      }
    },
    'that begin in the midst of a record': (env, _own, other) => {
      for (let i = 0; i < 5; i++) leave(env, 5 + i, first(other).physicalOffset + 7 + 100 * i, 100)
    },
    'that name a record as longer than it is': (env, _own, other) => {
      leave(env, 5, first(other).physicalOffset, first(other).sizeBytes + 40)
    },
    'that name a record as shorter than it is': (env, _own, other) => {
      leave(env, 5, first(other).physicalOffset, first(other).sizeBytes - 5)
    },
    'that name a message of the queue in another place': (env, own) => {
      leave(env, 5, (own[4] as Place).physicalOffset, (own[4] as Place).sizeBytes)
    },
    'behind units that stand for no message': (env, _own, other) => {
      for (let i = 0; i < 5; i++) leave(env, 5 + i, 0, 0x7fffffff)
      leave(env, 10, first(other).physicalOffset + 3, 100)
    },
    'of which there are more than are looked at in one go': (env, _own, other) => {
      for (let i = 5; i < 390; i++) leave(env, i, first(other).physicalOffset + i, 100)
    },
  }
  for (const [name, bringBack] of Object.entries(kinds)) {
    test(name, async () => {
      const { env, own, other } = await killed()
      bringBack(env, own, other)
      const store = await startStore(env, config)
      assert.equal(store.offsetMax('TopicTest', 0), 5)
      assert.equal((await readAll(store, 'TopicTest', 0)).records.length, 5)
      assert.equal(putOk(env, store, message()).queueOffset, 5)
      await stopAndCheck(env, store, config)
    })
  }

  test('but the unit of a record whose head has a flipped bit does', async () => {
    const { env, own } = await killed()
    const log = env.disk.open(`${ROOT}/commitlog/00000000000000000000`, 'write')
    log.writeNow(Buffer.from([0x7f]), (own[4] as Place).physicalOffset)
    const store = await startStore(env, config)
    assert.equal(store.offsetMax('TopicTest', 0), 5)
    await store.shutdown()
    leftUnsound(env)
  })
})

test('a unit that names a record of another queue, or a part of one, serves nobody', async () => {
  const { env, other } = await killed()
  const store = await MessageStore.open(env, config)
  const { physicalOffset, sizeBytes } = other[0] as Place
  leave(env, 1, physicalOffset, sizeBytes)
  leave(env, 2, (other[1] as Place).physicalOffset, sizeBytes + 40)
  const { records, queueOffsets } = await readAll(store, 'TopicTest', 0)
  assert.deepEqual(queueOffsets, [0, 3, 4])
  for (const record of records) assert.ok(record.includes('own'))
  assert.ok(env.seen.includes('store.record.damaged'))
  await store.shutdown()
  leftUnsound(env)
})

test('what a start clears behind the end of a queue is on disk before the next recovery point', async () => {
  const sim = new SimStore({ mappedFileSizeConsumeQueue: 10 * 20 })
  await sim.start()
  for (let i = 0; i < 3; i++) await sim.put()
  await sim.pass(2000)
  sim.node.kill()
  const { disk } = sim.node.start().env
  const directory = `${sim.config.storePathRootDir}/consumequeue/TopicTest/0`
  const path = `${directory}/00000000000000000000`
  const unit = Buffer.alloc(20)
  writeUnit(unit, 0, 1 << 20, 100, 0)
  const file = disk.open(path, 'write')
  for (const at of [3, 4, 5]) file.writeNow(unit, at * 20)
  const behind = disk.open(`${directory}/00000000000000000200`, 'create')
  behind.writeNow(Buffer.alloc(200, unit), 0)
  for (const each of [file, behind]) each.syncNow()
  disk.syncDirectoryNow(directory)
  sim.node.powerCut()
  await sim.start()
  await sim.put({ queueId: 1 })
  await sim.pass(2000)
  sim.node.powerCut()
  const after = sim.node.start().env.disk
  assert.ok(
    after
      .readFile(path)
      ?.subarray(3 * 20)
      .every((byte) => byte === 0),
  )
  assert.deepEqual(after.list(directory).length, 1)
})

test('queues with nothing behind their ends are not synced for that', async () => {
  const env = testEnv()
  const store = await startStore(env, config)
  for (let queueId = 0; queueId < 40; queueId++) putOk(env, store, message({ queueId }))
  for (let i = 0; i < 3; i++) {
    env.clock.advance(1000)
    await settled()
  }
  const again = env.kill()
  leftUnsound(env)
  const synced = new Set<string>()
  again.fault = (operation, path) => {
    if (operation === 'sync' && path.includes('/consumequeue/')) synced.add(path)
    return undefined
  }
  const recovered = await startStore(again, config)
  putOk(again, recovered, message({ queueId: 7 }))
  for (let i = 0; i < 3; i++) {
    again.clock.advance(1000)
    await settled()
  }
  assert.ok(
    [...synced].every((path) => !/\/([0-689]|\d\d)\/0/.test(path)),
    [...synced].join(),
  )
  await recovered.shutdown()
  assertSound(again, config)
})
