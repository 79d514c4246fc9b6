import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StoreConfig } from '@skylarkmq/store'
import {
  ROOT,
  damage,
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
import { checkStore, examineStore, problemKinds } from '../src/index.ts'
import type { CheckReport } from '../src/index.ts'

const QUEUE = `${ROOT}/consumequeue/TopicA/0/00000000000000000000`

function kinds(env: TestEnv, config: StoreConfig): string[] {
  return [...new Set(examineStore(env.disk, config).problems.map((problem) => problem.kind))]
}

function examine(env: TestEnv, config: StoreConfig): CheckReport {
  return examineStore(env.disk, config)
}

describe('A check of a store that Apache wrote', () => {
  for (const name of ['clean', 'crash', 'v4.9', 'v4.9-then-5.3', 'retention', 'ha-slave-fresh']) {
    test(`finds nothing: ${name}`, () => {
      const { env, config } = goldenStore(name)
      const report = examine(env, config)
      assert.deepEqual(report.problems, [])
      assert.ok(report.summary.records > 0 && report.summary.units > 0)
    })
  }

  test('finds nothing where there is more than it reads, and names that', () => {
    const { env, config } = goldenStore('extras')
    const { problems, notes, summary } = examine(env, config)
    assert.deepEqual(problems, [])
    // Queues of batches and light queues among them.
    assert.deepEqual([summary.queues, summary.units], [10, 45])
    assert.match(notes.join('\n'), /compaction .*consumequeue_ext /)
  })

  for (const variant of goldenVariants()) {
    test(`says what is wrong with it: ${variant.name}`, () => {
      const { env, config } = goldenStore(variant.base)
      damage(env, variant)
      const { problems, notes } = examine(env, config)
      const found = problems.map(({ kind }) => kind)
      // An unclean stop leaves a half-written record: the next start cuts it.
      if (variant.name.startsWith('torn')) {
        assert.match(
          notes.join('\n'),
          new RegExp(`commitlog ${variant.maxOffset}: .*cuts them off`),
        )
      } else if (variant.name.startsWith('corrupt')) {
        assert.ok(found.includes('log-record'))
        assert.deepEqual(
          problems.map(({ where }) => where),
          [`commitlog ${variant.maxOffset}`],
        )
      } else if (variant.remove.includes('consumequeue')) assert.ok(found.includes('queue-missing'))
    })
  }
})

describe('A check', () => {
  test('finds a missing unit, and one that names another message', async () => {
    const { env, config } = await soundStore()
    const good = env.disk.readFile(QUEUE) as Buffer
    env.disk.writeFile(
      QUEUE,
      Buffer.concat([good.subarray(0, 40), Buffer.alloc(20), good.subarray(60)]),
    )
    const empty = examine(env, config).problems.map(({ what }) => what)
    assert.ok(empty.some((what) => what.startsWith('1 places from 2 on have no unit')))
    assert.ok(empty.some((what) => what.startsWith('message 2, at ')))
    const swapped = Buffer.from(good)
    good.copy(swapped, 0, 20, 40)
    env.disk.writeFile(QUEUE, swapped)
    const { problems } = examine(env, config)
    assert.ok(problems.some(({ where }) => where === 'unit 0 of TopicA/0'))
    assert.equal(problems[0]?.next, problemKinds['queue-unit'])
  })

  test('finds a missing queue if a group has consumed it', async () => {
    const { env, config } = await soundStore()
    env.disk.removeTree(`${ROOT}/consumequeue/TopicB`)
    const offsets = `${ROOT}/config/consumerOffset.json`
    assert.deepEqual(kinds(env, config), ['queue-missing'])
    env.disk.writeFile(offsets, Buffer.from('{"offsetTable":{"TopicB@G":{0:0},"TopicA@G":{0:3}}}'))
    assert.deepEqual(kinds(env, config), [])
    env.disk.writeFile(
      `${ROOT}/config/topics.json`,
      Buffer.from('{"topicConfigTable":{TopicA:{}}}'),
    )
    const { problems, notes } = examine(env, config)
    assert.deepEqual(problems, [])
    assert.match(notes.join('\n'), /messages of deleted topics remain/)
  })

  test('of a topic that was deleted and made again with nothing in it finds nothing, and names it', async () => {
    const { env, config } = await soundStore()
    // With a topic the offsets of its groups go.
    env.disk.remove(`${ROOT}/config/consumerOffset.json`)
    env.disk.removeTree(`${ROOT}/consumequeue/TopicB`)
    const { problems, notes } = examine(env, config)
    assert.deepEqual(problems, [])
    assert.match(notes.join('\n'), /of 1 queues without a folder.*\(TopicB\/0\).*repair --all/)
  })

  test('finds that all queues are gone', async () => {
    const { env, config } = await soundStore()
    env.disk.removeTree(`${ROOT}/consumequeue`)
    assert.deepEqual(kinds(env, config), ['queue-missing'])
  })

  test('finds a file that is missing, of another size, or has another name', async () => {
    const { env, config } = await soundStore()
    const second = `${ROOT}/commitlog/00000000000000004096`
    const bytes = env.disk.readFile(second) as Buffer
    env.disk.writeFile(second, bytes.subarray(0, 4000))
    assert.ok(kinds(env, config).includes('log-file'))
    env.disk.remove(second)
    assert.ok(kinds(env, config).includes('log-file'))
    env.disk.writeFile(second, bytes)
    assert.deepEqual(kinds(env, config), [])
    env.disk.rename(QUEUE, `${ROOT}/consumequeue/TopicA/0/00000000000000000020`)
    assert.ok(kinds(env, config).includes('queue-file'))
  })

  test('finds offsets behind the end of their queue, and tables that cannot be read', async () => {
    const { env, config } = await soundStore()
    const offsets = `${ROOT}/config/consumerOffset.json`
    env.disk.writeFile(offsets, Buffer.from('{"offsetTable":{"TopicA@G":{0:99,1:1}}}'))
    env.disk.writeFile(`${ROOT}/config/delayOffset.json`, Buffer.from('{"offsetTable":{3:7}}'))
    const { problems } = examine(env, config)
    assert.deepEqual(
      problems.map(({ kind, where }) => [kind, where]),
      [['offset', 'config/consumerOffset.json']],
    )
    assert.match(problems[0]?.what ?? '', /^TopicA@G, queue 0, is at 99/)
    env.disk.writeFile(offsets, Buffer.from('{"offsetTable":'))
    assert.deepEqual(kinds(env, config), ['config'])
  })

  test('finds a checkpoint of another size, and one that is ahead of the log', async () => {
    const { env, config } = await soundStore()
    const path = `${ROOT}/checkpoint`
    const bytes = env.disk.readFile(path) as Buffer
    env.disk.writeFile(path, bytes.subarray(0, 40))
    assert.deepEqual(kinds(env, config), ['checkpoint'])
    bytes[2] = 2
    env.disk.writeFile(path, bytes)
    assert.match(examine(env, config).notes.join('\n'), /end of the log was cut or lost/)
  })

  test('of a killed store does not report what the next start repairs as a problem', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 3; i++) putOk(env, store, message())
    const { problems, notes, summary } = examine(env, config)
    assert.deepEqual(problems, [])
    assert.match(notes.join('\n'), /3 messages of the log are not in their queues yet/)
    assert.deepEqual([summary.isClean, summary.records], [false, 3])
  })

  test('reads the end of the log alone when it is to be fast', async () => {
    const { env, config } = await soundStore()
    flipByte(env.disk, `${ROOT}/commitlog/00000000000000000000`, 90)
    assert.ok(kinds(env, config).includes('log-record'))
    const fast = examineStore(env.disk, config, { isFast: true })
    assert.deepEqual(fast.problems, [])
    assert.ok(fast.summary.records > 0)
    assert.ok(fast.summary.records < examine(env, config).summary.records)
  })

  test('lists so many of a kind, and counts all', () => {
    const { env, config } = goldenStore('clean')
    const queue = `${ROOT}/consumequeue/RMQ_SYS_TRANS_HALF_TOPIC/0/00000000000000000000`
    const bytes = env.disk.readFile(queue) as Buffer
    for (let at = 12; at < 35 * 20; at += 20) bytes[at] = 1
    env.disk.writeFile(queue, bytes)
    for (let at = 8; at < 35 * 20; at += 20) bytes[at] = 1
    env.disk.writeFile(queue, bytes)
    const report = examine(env, config)
    assert.equal(report.problems.length, 50)
    assert.equal(report.problemCount, 70)
  })

  test('writes nothing', async () => {
    const { env, config } = await soundStore()
    env.fault = (operation) => (operation === 'read' ? undefined : new Error(operation))
    const before = new Map(
      env.disk.list(ROOT).map(({ name }) => [name, env.disk.stat(`${ROOT}/${name}`)]),
    )
    assert.deepEqual(checkStore(env.disk, ROOT, { slots: 10, entries: 30 }), [])
    assert.deepEqual(kinds(env, config), [])
    const after = new Map(
      env.disk.list(ROOT).map(({ name }) => [name, env.disk.stat(`${ROOT}/${name}`)]),
    )
    assert.deepEqual(after, before)
    leftUnsound(env)
  })
})

test('a torn table of config/ with a backup that counts is no problem, and one without is', () => {
  const env = testEnv()
  const config = smallConfig()
  env.disk.makeDirectory(`${config.storePathRootDir}/config`)
  const path = `${config.storePathRootDir}/config/topics.json`
  env.disk.writeFile(path, Buffer.from('{"topicConf'))
  env.disk.writeFile(`${path}.bak`, Buffer.from('{"topicConfigTable":{}}'))
  const withBackup = examineStore(env.disk, config)
  assert.deepEqual(withBackup.problems, [])
  assert.ok(withBackup.notes.some((note) => note.includes('topics.json.bak is used')))
  env.disk.remove(`${path}.bak`)
  assert.deepEqual(
    examineStore(env.disk, config).problems.map(({ kind }) => kind),
    ['config'],
  )
})
