import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GetMessageStatus } from '@skylarkmq/store'
import type { StoreConfig } from '@skylarkmq/store'
import {
  ROOT,
  filesBelow,
  flipByte,
  goldenStore,
  leftUnsound,
  message,
  putOk,
  readAll,
  soundStore,
  startStore,
  stopAndCheck,
} from '@skylarkmq/store/test-support'
import type { TestEnv } from '@skylarkmq/store/test-support'
import { examineStore, planRepair, repairStore } from '../src/index.ts'
import type { CheckReport, RepairOptions } from '../src/index.ts'

const LOG = `${ROOT}/commitlog/00000000000000000000`
const QUEUE = `${ROOT}/consumequeue/TopicA/0/00000000000000000000`

async function repaired(
  env: TestEnv,
  config: StoreConfig,
  options: RepairOptions = {},
): Promise<CheckReport> {
  const { report } = await repairStore(env, config, options)
  assert.deepEqual(report.problems, [])
  return report
}

/** What each queue serves: offsets and records. */
async function served(env: TestEnv, config: StoreConfig): Promise<unknown> {
  const store = await startStore(env, config)
  const all: Record<string, unknown> = {}
  for (const topic of store.topics().sort()) {
    for (const id of store.queuesOf(topic)) {
      const { records, queueOffsets } = await readAll(store, topic, id)
      const range = [store.offsetMin(topic, id), store.offsetMax(topic, id)]
      all[`${topic}/${id}`] = [range, queueOffsets, records.map((each) => each.toString('hex'))]
    }
  }
  await stopAndCheck(env, store, config)
  return all
}

describe('A repair', () => {
  for (const name of ['clean', 'v4.9-then-5.3', 'retention', 'ha-slave-fresh', 'crash']) {
    test(`that rebuilds everything leaves a store of Apache’s that serves the same: ${name}`, async () => {
      const before = await served(...envOf(goldenStore(name)))
      const { env, config } = goldenStore(name)
      const found = await repaired(env, config, { all: true })
      assert.ok(found.summary.isClean)
      assert.deepEqual(await served(env, config), before)
    })
  }

  test('rebuilds queues and index, and keeps the old ones beside them', async () => {
    const { env, config } = await soundStore()
    const before = await served(env, config)
    env.disk.remove(QUEUE)
    const [index] = env.disk
      .list(`${ROOT}/index`)
      .map(({ name }) => name)
      .sort()
    flipByte(env.disk, `${ROOT}/index/${index}`, 45)
    const log = filesBelow(env.disk, `${ROOT}/commitlog`)
    const report = await repaired(env, config)
    assert.match(report.notes.join('\n'), /kept by a repair: consumequeue\.before.*index\.before/)
    assert.deepEqual(filesBelow(env.disk, `${ROOT}/commitlog`), log, 'the log is not touched')
    assert.deepEqual(await served(env, config), before)
  })

  test('deletes the old ones when told so, and does nothing to a sound store', async () => {
    const { env, config } = await soundStore()
    const files = filesBelow(env.disk, ROOT)
    const idle = await repairStore(env, config, {})
    assert.deepEqual(idle.kept, [])
    assert.deepEqual(filesBelow(env.disk, ROOT), files)
    env.disk.remove(QUEUE)
    const { kept } = await repairStore(env, config, { discard: true })
    assert.deepEqual(kept, [])
    assert.equal(env.disk.list(ROOT).filter(({ name }) => name.includes('before-repair')).length, 0)
  })

  test('of a log that is damaged leaves the log alone, and serves all else', async () => {
    const { env, config } = await soundStore()
    flipByte(env.disk, LOG, 90)
    env.disk.remove(QUEUE)
    const plan = planRepair(env.disk, config, {})
    assert.match(plan.left.join('\n'), /not changed without --truncate/)
    const log = filesBelow(env.disk, `${ROOT}/commitlog`)
    const { report } = await repairStore(env, config, {})
    assert.deepEqual(
      report.problems.map(({ kind }) => kind),
      ['log-record'],
    )
    assert.deepEqual(filesBelow(env.disk, `${ROOT}/commitlog`), log)
    const store = await startStore(env, config)
    const first = await store.getMessage('TopicA', 0, 1, { maxCount: 32 })
    assert.equal(first.status, GetMessageStatus.FOUND)
    await store.shutdown()
    leftUnsound(env)
  })

  test('cuts the log when told so, keeps what it cuts, and sets offsets back to the new ends', async () => {
    const { env, config } = await soundStore()
    const offsets = `${ROOT}/config/consumerOffset.json`
    env.disk.writeFile(offsets, Buffer.from('{"offsetTable":{"TopicA@G":{"0":15,"1":2}}}'))
    const second = `${ROOT}/commitlog/00000000000000004096`
    const whole = filesBelow(env.disk, `${ROOT}/commitlog`)
    flipByte(env.disk, second, 90)
    const plan = planRepair(env.disk, config, { truncate: true })
    assert.equal(plan.cutAt, 4096)
    assert.ok((plan.report.damage?.recordsBehind ?? 0) > 10)
    const { kept, report } = await repairStore(env, config, { truncate: true })
    assert.deepEqual(report.problems, [])
    assert.equal(report.summary.offsetMax, 4096)
    const cut = filesBelow(env.disk, kept[0] as string)
    assert.deepEqual(cut.size, whole.size - 1)
    const store = await startStore(env, config)
    const table = JSON.parse(String(env.disk.readFile(offsets))) as {
      offsetTable: Record<string, Record<string, number>>
    }
    assert.deepEqual(table.offsetTable['TopicA@G'], { 0: store.offsetMax('TopicA', 0), 1: 2 })
    assert.equal(putOk(env, store, message({ topic: 'TopicA' })).physicalOffset, 4096)
    await stopAndCheck(env, store, config)
  })

  test('keeps the bytes behind a cut within a file', async () => {
    const { env, config } = await soundStore()
    const damaged = [...filesBelow(env.disk, `${ROOT}/commitlog`).keys()].sort().at(-1) as string
    flipByte(env.disk, damaged, 90)
    const bytes = env.disk.readFile(damaged) as Buffer
    const plan = planRepair(env.disk, config, { truncate: true })
    const cutAt = plan.cutAt as number
    const file = Number(damaged.slice(-20))
    env.disk.writeFile(damaged, bytes)
    const { kept } = await repairStore(env, config, { truncate: true })
    const saved = [...filesBelow(env.disk, kept[0] as string).values()][0] as Buffer
    const lost = bytes.subarray(cutAt - file)
    assert.ok(saved.length > 0 || cutAt === file)
    assert.deepEqual(lost.subarray(0, saved.length), saved)
  })

  test('brings back a queue that is gone, with its numbers', async () => {
    const { env, config } = await soundStore()
    const before = await served(env, config)
    env.disk.removeTree(`${ROOT}/consumequeue/TopicB`)
    await repaired(env, config)
    assert.deepEqual(await served(env, config), before)
  })

  test('rewrites a broken checkpoint', async () => {
    const { env, config } = await soundStore()
    env.disk.writeFile(`${ROOT}/checkpoint`, Buffer.alloc(10))
    await repaired(env, config)
    assert.equal(env.disk.stat(`${ROOT}/checkpoint`)?.sizeBytes, 4096)
    assert.equal(examineStore(env.disk, config).notes.length, 0)
  })
})

function envOf(store: { env: TestEnv; config: StoreConfig }): [TestEnv, StoreConfig] {
  return [store.env, store.config]
}
