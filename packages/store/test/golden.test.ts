import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { decodeRecord, recordStoreTimestamp } from '@skylarkmq/protocol'
import { examineStore, inspectIndex } from '@skylarkmq/store-tools'
import { GetMessageStatus } from '../src/index.ts'
import type { MessageStore } from '../src/index.ts'
import { goldenFacts, goldenStore, goldenVariants, queueOf } from './support/golden.ts'
import type { GoldenFacts, GoldenVariant } from './support/golden.ts'
import {
  ROOT,
  assertSound,
  leftUnsound,
  message,
  putOk,
  readAll,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import type { TestEnv } from './support/test-env.ts'

const STORES = [
  'clean',
  'crash',
  'v4.9',
  'v4.9-then-5.3',
  'retention',
  'ha-master',
  'ha-slave',
  'ha-slave-fresh',
]

/** System queues grew between Apache's last answer and its stop, so the disk decides. */
function assertQueues(store: MessageStore, facts: GoldenFacts): void {
  for (const [name, [min, end]] of Object.entries(facts.onDisk)) {
    const [topic, queueId] = queueOf(name)
    assert.equal(store.offsetMin(topic, queueId), min, `first offset of ${name}`)
    assert.equal(store.offsetMax(topic, queueId), end, `next offset of ${name}`)
  }
  for (const [name, [min, max, lastTime]] of Object.entries(facts.queues)) {
    const [topic, queueId] = queueOf(name)
    assert.equal(store.offsetMin(topic, queueId), min, `what Apache said of ${name}`)
    assert.ok(store.offsetMax(topic, queueId) >= max, `what Apache said of ${name}`)
    if (lastTime > 0 && store.offsetMax(topic, queueId) === max) {
      assert.equal(store.storeTimeOf(topic, queueId, max - 1), lastTime)
    }
  }
}

async function assertPulled(store: MessageStore, facts: GoldenFacts): Promise<void> {
  const wanted = new Map<string, (readonly [number, number, string])[]>()
  for (const [queue, queueOffset, physicalOffset, sha] of facts.pulled) {
    wanted.set(queue, [...(wanted.get(queue) ?? []), [queueOffset, physicalOffset, sha]])
  }
  for (const [queue, list] of wanted) {
    const { records, queueOffsets } = await readAll(store, ...queueOf(queue))
    const found = records.map((record, i) => {
      const { physicalOffset, body } = decodeRecord(record)
      const sha = createHash('sha256').update(body).digest('hex')
      return [queueOffsets[i], physicalOffset, sha]
    })
    assert.deepEqual(found.slice(0, list.length), list, `messages of ${queue}`)
  }
}

function assertKeys(store: MessageStore, facts: GoldenFacts): void {
  for (const { topic, key, found } of facts.keyQueries) {
    const { records } = store.queryByKey(topic, key, 64, 0, Number.MAX_SAFE_INTEGER)
    const offsets = records.map((record) => decodeRecord(record).physicalOffset)
    assert.deepEqual(
      offsets.sort((a, b) => a - b),
      [...found],
      `${topic} by ${key}`,
    )
  }
}

describe('A store that Apache wrote', () => {
  for (const name of STORES) {
    test(`opens and serves what Apache served: ${name}`, async () => {
      const facts = goldenFacts(name)
      const { env, config } = goldenStore(name)
      const store = await startStore(env, config)
      assert.equal(store.commitLogOffsetMin, facts.minOffset)
      assert.equal(store.commitLogOffsetMax, facts.maxOffset)
      assertQueues(store, facts)
      await assertPulled(store, facts)
      assertKeys(store, facts)
      await stopAndCheck(env, store, config)
      assert.equal(
        inspectIndex(env.disk, ROOT).reduce((sum, file) => sum + file.indexCount - 1, 0),
        facts.indexCount,
      )
    })

    test(`takes messages, and opens again with them: ${name}`, async () => {
      const { env, config } = goldenStore(name)
      const store = await startStore(env, config)
      const end = store.commitLogOffsetMax
      const put = putOk(env, store, message({ topic: 'TopicPlain', queueId: 0 }))
      assert.equal(put.physicalOffset, end)
      assert.equal(store.offsetMax('TopicPlain', 0), put.queueOffset + 1)
      await stopAndCheck(env, store, config)
      const again = await startStore(env, config)
      assert.equal(again.commitLogOffsetMax, end + put.sizeBytes)
      const found = await again.getMessage('TopicPlain', 0, put.queueOffset, { maxCount: 1 })
      assert.equal(found.records.length, 1)
      await stopAndCheck(env, again, config)
    })
  }

  test('with queue forms that are not kept here opens, and keeps every record', async () => {
    const { env, config } = goldenStore('extras')
    const facts = goldenFacts('extras')
    const store = await startStore(env, config)
    assert.equal(store.commitLogOffsetMax, facts.maxOffset)
    // Codes of extended queues are addresses; the tag comes from the record then.
    const all = await readAll(store, 'TopicSql', 0)
    assert.equal(all.records.length, store.offsetMax('TopicSql', 0))
    const codes: number[] = []
    const filter = { matchesTagsCode: (code: number) => codes.push(code) > 0 }
    const found = await store.getMessage('TopicSql', 0, 0, { maxCount: 32 }, filter)
    assert.equal(found.status, GetMessageStatus.FOUND)
    assert.ok(codes.every((code) => Math.abs(code) <= 0x7fffffff))
    await store.shutdown()
  })

  test('answers odd offsets as Apache did', async () => {
    const { env, config } = goldenStore('retention')
    const store = await startStore(env, config)
    const statuses: Record<string, string[]> = {
      FOUND: [GetMessageStatus.FOUND],
      NO_NEW_MSG: [GetMessageStatus.OFFSET_OVERFLOW_ONE, GetMessageStatus.NO_MESSAGE_IN_QUEUE],
      OFFSET_ILLEGAL: [
        GetMessageStatus.OFFSET_TOO_SMALL,
        GetMessageStatus.OFFSET_OVERFLOW_BADLY,
        GetMessageStatus.NO_MATCHED_LOGIC_QUEUE,
        GetMessageStatus.NO_MESSAGE_IN_QUEUE,
      ],
    }
    const probes = goldenFacts('retention').pullProbes
    assert.ok(probes.length > 5)
    for (const { topic, queueId, offset, status, nextBeginOffset } of probes) {
      const found = await store.getMessage(topic, queueId, offset, { maxCount: 1 })
      assert.ok(statuses[status]?.includes(found.status), `${topic} ${offset}: ${found.status}`)
      if (status !== 'FOUND') assert.equal(found.nextBeginOffset, nextBeginOffset)
    }
    await stopAndCheck(env, store, config)
  })
})

/**
 * After an orderly stop nothing is to be cut: the damaged record alone is not served, where Apache gives up all that
 * follows.
 */
async function assertOnlyOneLost(
  env: TestEnv,
  store: MessageStore,
  variant: GoldenVariant,
): Promise<void> {
  const facts = goldenFacts(variant.base)
  assert.equal(store.commitLogOffsetMax, facts.maxOffset)
  assertQueues(store, facts)
  const pulled = facts.pulled.filter(([, , physicalOffset]) => physicalOffset !== variant.maxOffset)
  assert.equal(pulled.length, facts.pulled.length - 1)
  await assertPulled(store, { ...facts, pulled })
  assert.equal(env.seen.filter((name) => name === 'store.record.damaged').length, 1)
}

describe('A damaged store', () => {
  for (const variant of goldenVariants()) {
    test(`keeps at least what Apache keeps: ${variant.name}`, async () => {
      const { env, config } = goldenStore(variant.base)
      for (const { file, offset, zero, xor } of variant.patches) {
        const bytes = env.disk.readFile(`${ROOT}/${file}`)
        assert.ok(bytes !== undefined)
        if (zero !== undefined) bytes.fill(0, offset, offset + zero)
        if (xor !== undefined) bytes.writeUInt8(bytes.readUInt8(offset) ^ parseInt(xor, 16), offset)
        env.disk.writeFile(`${ROOT}/${file}`, bytes)
      }
      for (const directory of variant.remove) env.disk.removeTree(`${ROOT}/${directory}`)
      const store = await startStore(env, config)
      if (variant.name === 'corrupt-middle-clean') {
        await assertOnlyOneLost(env, store, variant)
        await store.shutdown()
        const { problems } = examineStore(env.disk, config)
        assert.deepEqual(
          problems.map(({ where }) => where),
          [`commitlog ${variant.maxOffset}`],
        )
        leftUnsound(env)
        return
      }
      assert.equal(store.commitLogOffsetMax, variant.maxOffset)
      for (const [name, [min, max]] of Object.entries(variant.queuesAfter)) {
        assert.equal(store.offsetMin(...queueOf(name)), min, name)
        assert.equal(store.offsetMax(...queueOf(name)), max, name)
      }
      for (const { topic, key, hits } of variant.keyQueriesAfter) {
        const found = store.queryByKey(topic, key, 64, 0, Number.MAX_SAFE_INTEGER)
        assert.equal(found.records.length, hits, `${topic} by ${key}`)
      }
      // Behind the cut a new message is stored, indexed and served.
      const cut = store.commitLogOffsetMax
      const properties = Buffer.from('KEYS\x01fresh\x02')
      const put = putOk(env, store, message({ topic: 'TopicPlain', queueId: 1, properties }))
      assert.equal(put.physicalOffset, cut)
      const fresh = store.queryByKey('TopicPlain', 'fresh', 8, 0, Number.MAX_SAFE_INTEGER)
      assert.equal(fresh.records.length, 1)
      assert.equal(recordStoreTimestamp(fresh.records[0] as Buffer), put.storeTimestamp)
      await stopAndCheck(env, store, config, 'behind the end of the queue')
    })
  }

  test('has zeros behind the end after a cut', async () => {
    const { env, config } = goldenStore('crash')
    const path = `${ROOT}/commitlog/00000000000000000000`
    const bytes = env.disk.readFile(path) as Buffer
    bytes.writeUInt8(bytes.readUInt8(138_531) ^ 0xff, 138_531)
    env.disk.writeFile(path, bytes)
    const store = await startStore(env, config)
    assert.ok(env.seen.includes('store.commitlog.torn'))
    await store.shutdown()
    const after = env.disk.readFile(path) as Buffer
    assert.equal(after.length, bytes.length)
    assert.ok(after.subarray(138_433).every((byte) => byte === 0))
    assertSound(env, config)
  })
})
