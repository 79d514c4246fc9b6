import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MessageStore } from '@skylarkmq/store'
import type { StoreConfig } from '@skylarkmq/store'
import {
  ROOT,
  damage,
  filesBelow,
  flipByte,
  goldenStore,
  goldenVariants,
  leftUnsound,
  message,
  putOk,
  smallConfig,
  soundStore,
  startStore,
  testEnv,
} from '@skylarkmq/store/test-support'
import type { TestEnv } from '@skylarkmq/store/test-support'
import { examineStore, judgeStore } from '../src/index.ts'

/** What a real start and an orderly stop leave: whether that is sound, and whether there was a start at all. */
async function isSoundAfterStart(env: TestEnv, config: StoreConfig): Promise<boolean> {
  try {
    const store = await startStore(env, config)
    await store.shutdown()
  } catch {
    return false
  } finally {
    leftUnsound(env)
  }
  return examineStore(env.disk, config).problemCount === 0
}

async function killedStore(): Promise<{ env: TestEnv; config: StoreConfig }> {
  const [env, config] = [testEnv(), smallConfig()]
  const store = await startStore(env, config)
  for (let i = 0; i < 30; i++) putOk(env, store, message({ queueId: i % 3, text: `body ${i}` }))
  leftUnsound(env)
  return { env: env.kill(), config }
}

describe('The verdict on a store', () => {
  test('is sound after an orderly stop', async () => {
    const { env, config } = await soundStore()
    const report = await judgeStore(env, config)
    assert.deepEqual([report.verdict, report.remainingCount], ['sound', 0])
  })

  test('is that a start mends it after a kill, and nothing is written', async () => {
    const { env, config } = await killedStore()
    const before = filesBelow(env.disk, ROOT)
    env.fault = (operation) => (operation === 'read' ? undefined : new Error(operation))
    const report = await judgeStore(env, config)
    assert.deepEqual([report.verdict, report.startError], ['mended-by-start', undefined])
    assert.deepEqual(filesBelow(env.disk, ROOT), before)
  })

  test('is that a start mends units ahead of the log, and index entries of bytes that are gone', async () => {
    const { env, config } = await killedStore()
    const log = `${ROOT}/commitlog/00000000000000000000`
    const store = await MessageStore.open(env, config)
    await store.shutdown()
    // The log's last pages went with the power; queues, index and the mark of a process are as they were.
    const bytes = env.disk.readFile(log) as Buffer
    const end = examineStore(env.disk, config).summary.offsetMax
    env.disk.writeFile(log, bytes.fill(0, Math.floor(end / 2), end))
    env.disk.writeFile(`${ROOT}/abort`, Buffer.from('12'))
    const report = await judgeStore(env, config)
    assert.ok(report.problemCount > 0)
    assert.deepEqual([report.verdict, report.remaining], ['mended-by-start', []])
  })

  test('is unsound where a record within the log is damaged', async () => {
    const { env, config } = await soundStore()
    flipByte(env.disk, `${ROOT}/commitlog/00000000000000000000`, 90)
    const report = await judgeStore(env, config)
    assert.equal(report.verdict, 'unsound')
    assert.ok(report.remaining.some(({ kind }) => kind === 'log-record'))
  })

  test('is unsound, with a reason, where no broker starts', async () => {
    const { env, config } = await soundStore()
    env.disk.remove(`${ROOT}/commitlog/00000000000000004096`)
    const report = await judgeStore(env, config)
    assert.equal(report.verdict, 'unsound')
    assert.match(report.startError ?? '', /the file of offset 4096 is missing/)
  })

  test('rests on what was found where a start would take too much memory, and says so', async () => {
    const { env, config } = await killedStore()
    const report = await judgeStore(env, config, { trialBytesMax: 1 })
    assert.equal(report.verdict, 'mended-by-start')
    assert.match(report.startError ?? '', /was not tried out/)
    env.disk.remove(`${ROOT}/abort`)
    env.disk.writeFile(`${ROOT}/checkpoint`, Buffer.alloc(7))
    const other = await judgeStore(env, config, { trialBytesMax: 1 })
    assert.equal(other.verdict, 'unsound')
  })

  for (const name of ['clean', 'crash', 'v4.9', 'retention', 'ha-slave-fresh', 'extras']) {
    test(`is not unsound for a store that Apache wrote: ${name}`, async () => {
      const { env, config } = goldenStore(name)
      const { verdict, remaining, startError } = await judgeStore(env, config)
      assert.notEqual(verdict, 'unsound', startError ?? JSON.stringify(remaining))
    })
  }

  for (const variant of goldenVariants()) {
    test(`is what a start then makes true: ${variant.name}`, async () => {
      const { env, config } = goldenStore(variant.base)
      damage(env, variant)
      const { verdict } = await judgeStore(env, config)
      assert.equal(await isSoundAfterStart(env, config), verdict !== 'unsound')
    })
  }
})
