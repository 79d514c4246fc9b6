import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ROOT,
  flipByte,
  goldenFacts,
  goldenStore,
  indexSizes,
  leftUnsound,
  soundStore,
} from '@skylarkmq/store/test-support'
import {
  examineStore,
  findByKey,
  inspectCheckpoint,
  inspectIndex,
  inspectQueue,
  inspectRecords,
  readQueue,
  visible,
} from '../src/index.ts'

test('records are read from any offset on, and behind what is damaged', async () => {
  const { env, config } = await soundStore()
  const all = inspectRecords(env.disk, ROOT)
  assert.equal(all.length, 40)
  assert.equal(all[0]?.bornHost, '10.0.0.1:50000')
  assert.deepEqual(all[0].properties, { UNIQ_KEY: 'U0', KEYS: 'k0 even', TAGS: 't0' })
  assert.match(all[1]?.bodyPreview ?? '', /^body 1 \.+$/)
  const [, second, third] = all
  const from = (second?.physicalOffset ?? 0) + 1
  assert.deepEqual(inspectRecords(env.disk, ROOT, { from, count: 1 }), [third])
  const to = third?.physicalOffset ?? 0
  assert.deepEqual(inspectRecords(env.disk, ROOT, { to }), all.slice(0, 2))
  flipByte(env.disk, `${ROOT}/commitlog/00000000000000000000`, 90)
  assert.deepEqual(
    inspectRecords(env.disk, ROOT, { from: 0 }).map((each) => each.physicalOffset),
    all.slice(1).map((each) => each.physicalOffset),
  )
  assert.equal(examineStore(env.disk, config).damage?.offset, 0)
  leftUnsound(env)
})

test('units, index and checkpoint of a store of Apache’s are what its manifest says', () => {
  const { env, config } = goldenStore('clean')
  const facts = goldenFacts('clean')
  const units = inspectQueue(env.disk, ROOT, 'TopicKeys', 0)
  assert.equal(units.length, 12)
  assert.deepEqual(
    readQueue(env.disk, `${ROOT}/consumequeue`, 'TopicKeys', 0, { from: 3, count: 2 }),
    units.slice(3, 5),
  )
  assert.equal(inspectIndex(env.disk, ROOT)[0]?.indexCount, facts.indexCount + 1)
  assert.ok(inspectCheckpoint(env.disk, ROOT).physicMsgTimestamp > 0)
  for (const { topic, key, found } of facts.keyQueries) {
    const offsets = findByKey(env.disk, `${ROOT}/index`, indexSizes(config), topic, key)
    assert.deepEqual(
      offsets.sort((a, b) => a - b),
      [...found],
    )
  }
})

test('text for a terminal has nothing that a terminal obeys', () => {
  assert.equal(visible('a\u001b[31mb\r\n键\u202e'), 'a\\u001b[31mb\\u000d\\u000a键\\u202e')
})
