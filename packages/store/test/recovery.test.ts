import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeRecord } from '@skylarkmq/protocol'
import { examineStore, inspectCheckpoint, inspectQueue } from '@skylarkmq/store-tools'
import { MessageStore } from '../src/index.ts'
import {
  ROOT,
  assertSound,
  message,
  putOk,
  readAll,
  smallConfig,
  startStore,
  stopAndCheck,
} from './support/stores.ts'
import { settled, testEnv } from './support/test-env.ts'

/** Lets seconds pass, in which what was begun can end. */
async function pass(env: ReturnType<typeof testEnv>, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    env.clock.advance(1000)
    await settled()
  }
}

describe('After a kill', () => {
  test('queues and index have every message that was answered, though neither was written', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 300; i++) {
      const properties = Buffer.from(`KEYS\x01key${i}\x02`)
      putOk(env, store, message({ queueId: i % 7, properties, text: 'x'.repeat(500) }))
    }
    assert.deepEqual(inspectQueue(env.disk, ROOT, 'TopicTest', 0), [])
    const again = env.kill()
    const recovered = await startStore(again, config)
    assert.ok(recovered.commitLogOffsetMax > 2 * config.mappedFileSizeCommitLog)
    for (let q = 0; q < 7; q++) {
      const { queueOffsets } = await readAll(recovered, 'TopicTest', q)
      assert.deepEqual(queueOffsets, [...queueOffsets.keys()])
      assert.equal(queueOffsets.length, Math.ceil((300 - q) / 7))
    }
    for (const i of [0, 150, 299]) {
      const found = recovered.queryByKey('TopicTest', `key${i}`, 8, 0, Number.MAX_SAFE_INTEGER)
      assert.equal(found.records.length, 1)
    }
    await stopAndCheck(again, recovered, config)
  })

  test('a last message whose properties were cut short is gone, and one without any stays', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const properties = Buffer.from('KEYS\x01key\x02')
    putOk(env, store, message({ text: 'kept', properties: Buffer.alloc(0) }))
    putOk(env, store, message({ text: 'torn', properties }))
    const end = store.commitLogOffsetMax
    const again = env.kill()
    const log = again.disk.open(`${ROOT}/commitlog/${'0'.repeat(20)}`, 'write')
    log.writeNow(Buffer.alloc(properties.length - 3), end - properties.length + 3)
    log.close()
    const recovered = await startStore(again, config)
    assert.equal(recovered.offsetMax('TopicTest', 0), 1)
    assert.equal(putOk(again, recovered, message({ text: 'next' })).queueOffset, 1)
    await stopAndCheck(again, recovered, config)
  })

  for (const [what, properties, missing] of [
    ['names and values', 'name\x01value\x02'.repeat(80), 20],
    ["a name's end", 'KEYS\x01key\x02'.repeat(100), 7],
    ['a part of a value that the broker reads', `UNIQ_KEY\x01${'x'.repeat(800)}`, 5],
    ['a whole sector', `name\x01${'x'.repeat(1500)}`, 512],
  ] as const) {
    test(`properties of which ${what} never reached the disk end the log`, async () => {
      const [env, config] = [testEnv(), smallConfig()]
      const store = await startStore(env, config)
      putOk(env, store, message({ text: 'kept' }))
      putOk(env, store, message({ properties: Buffer.from(properties) }))
      const boundary = Math.floor((store.commitLogOffsetMax - 1) / 512) * 512
      putOk(env, store, message({ text: 'behind' }))
      const again = env.kill()
      const log = again.disk.open(`${ROOT}/commitlog/${'0'.repeat(20)}`, 'write')
      log.writeNow(Buffer.alloc(missing), boundary - missing)
      log.close()
      const recovered = await startStore(again, config)
      assert.equal(recovered.offsetMax('TopicTest', 0), 1)
      await stopAndCheck(again, recovered, config)
    })
  }

  test('zeros in a value that a user gave are no hole', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const properties = Buffer.from(`name\x01${'a\0\0\0\0\0\0'.repeat(400)}b\x02`)
    for (let i = 0; i < 10; i++) putOk(env, store, message({ properties }))
    const again = env.kill()
    const recovered = await startStore(again, config)
    assert.equal(recovered.offsetMax('TopicTest', 0), 10)
    await stopAndCheck(again, recovered, config)
  })

  test('a message that was staged and not written is gone, and its offsets are given again', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    putOk(env, store, message({ text: 'kept' }))
    void store.putMessage(message({ text: 'staged' }))
    const again = env.kill()
    const recovered = await startStore(again, config)
    assert.equal(recovered.offsetMax('TopicTest', 0), 1)
    assert.equal(putOk(again, recovered, message({ text: 'next' })).queueOffset, 1)
    await stopAndCheck(again, recovered, config)
  })

  test('a record that is half written is cut off, with zeros behind', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 5; i++) putOk(env, store, message({ text: 'y'.repeat(200) }))
    const last = store.queueUnitAt('TopicTest', 0, 4)
    assert.ok(last !== undefined)
    const again = env.kill()
    const log = again.disk.open(`${ROOT}/commitlog/00000000000000000000`, 'write')
    log.writeNow(Buffer.alloc(100), last.physicalOffset + 150)
    const recovered = await startStore(again, config)
    assert.equal(recovered.commitLogOffsetMax, last.physicalOffset)
    assert.equal(recovered.offsetMax('TopicTest', 0), 4)
    assert.ok(again.seen.includes('store.commitlog.torn'))
    assert.equal(putOk(again, recovered, message({ text: 'z' })).queueOffset, 4)
    await stopAndCheck(again, recovered, config)
  })

  test('units of messages that the log has not are cut off', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 120; i++) putOk(env, store, message({ text: 'q'.repeat(300) }))
    env.clock.advance(100)
    const unit = store.queueUnitAt('TopicTest', 0, 60)
    assert.ok(unit !== undefined)
    const again = env.kill()
    const log = again.disk.open(`${ROOT}/commitlog/00000000000000000000`, 'write')
    log.writeNow(
      Buffer.alloc(config.mappedFileSizeCommitLog - unit.physicalOffset),
      unit.physicalOffset,
    )
    const recovered = await startStore(again, config)
    assert.equal(recovered.offsetMax('TopicTest', 0), 60)
    assert.ok(again.seen.includes('store.recovered'))
    assert.equal((await readAll(recovered, 'TopicTest', 0)).records.length, 60)
    await stopAndCheck(again, recovered, config)
  })

  test('the log is read from the file on that began before all was on disk', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 16 * 1024 })]
    const store = await startStore(env, config)
    const fill = (text: string): void => {
      for (let i = 0; i < 20; i++) {
        putOk(env, store, message({ text: text.repeat(1000) }))
        env.clock.advance(500)
      }
    }
    fill('a')
    fill('a')
    await pass(env, 70)
    const checkpoint = inspectCheckpoint(env.disk, ROOT)
    assert.ok(checkpoint.logicsMsgTimestamp > 0, 'the thorough flush wrote the checkpoint')
    fill('b')
    const again = env.kill()
    const scans: number[] = []
    const watching = {
      ...again,
      events: {
        emit: (_: unknown, values: Record<string, unknown>) => {
          if (typeof values['scanFrom'] === 'number') scans.push(values['scanFrom'])
        },
      },
    }
    const recovered = await MessageStore.open(watching, config)
    assert.ok((scans[0] ?? 0) > 0, 'not all of the log is read')
    assert.equal(recovered.offsetMax('TopicTest', 0), 60)
    recovered.start()
    await stopAndCheck(again, recovered, config)
  })

  test('the index has the keys of old messages as well, without the log being read for them', async () => {
    const env = testEnv()
    const config = smallConfig({ mappedFileSizeCommitLog: 8 * 1024 })
    const store = await startStore(env, config)
    for (let i = 0; i < 30; i++) {
      const properties = Buffer.from(`KEYS\x01k${i}\x02`)
      putOk(env, store, message({ text: 'a'.repeat(1000), properties }))
      await pass(env, 1)
    }
    const again = env.kill()
    const recovered = await startStore(again, config)
    for (let i = 0; i < 30; i++) {
      const found = recovered.queryByKey('TopicTest', `k${i}`, 8, 0, Number.MAX_SAFE_INTEGER)
      assert.equal(found.records.length, 1, `k${i}`)
    }
    assert.ok(!again.seen.includes('store.index.dropped'))
    await stopAndCheck(again, recovered, config)
  })

  test('a topic that was deleted and made again counts from 0, as before the kill', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 5; i++) putOk(env, store, message({ text: `old ${i}` }))
    store.deleteTopic('TopicTest')
    assert.deepEqual(store.topics(), [])
    for (let i = 0; i < 3; i++) putOk(env, store, message({ text: `new ${i}` }))
    assert.equal(store.offsetMax('TopicTest', 0), 3)
    const again = env.kill()
    const recovered = await startStore(again, config)
    const { records } = await readAll(recovered, 'TopicTest', 0)
    const bodies = records.map((record) => decodeRecord(record).body.toString())
    assert.deepEqual(bodies, ['new 0', 'new 1', 'new 2'])
    await stopAndCheck(again, recovered, config)
  })

  test('a queue of which the newest file was kept and the one before it was lost has everything again', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 70; i++) putOk(env, store, message())
    // Long enough for the queues to be written, and too short for a checkpoint.
    env.clock.advance(200)
    const files = `${ROOT}/consumequeue/TopicTest/0`
    assert.equal(env.disk.list(files).length, 2)
    const again = env.kill()
    again.disk.remove(`${files}/00000000000000000000`)
    const recovered = await startStore(again, config)
    assert.equal(recovered.offsetMin('TopicTest', 0), 0)
    const { queueOffsets } = await readAll(recovered, 'TopicTest', 0)
    assert.deepEqual(queueOffsets, [...Array(70).keys()])
    await stopAndCheck(again, recovered, config)
  })

  test('files behind a missing one are set aside when they were not on disk at the last checkpoint', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    putOk(env, store, message({ text: 'kept' }))
    await pass(env, 5)
    for (let i = 0; i < 12; i++) putOk(env, store, message({ text: 'x'.repeat(1000) }))
    const again = env.kill()
    again.disk.remove(`${ROOT}/commitlog/00000000000000004096`)
    const recovered = await startStore(again, config)
    assert.ok(again.seen.includes('store.commitlog.set-aside'))
    assert.ok(recovered.commitLogOffsetMax <= 4096)
    const { queueOffsets } = await readAll(recovered, 'TopicTest', 0)
    assert.deepEqual(queueOffsets, [0, 1, 2, 3].slice(0, queueOffsets.length))
    assert.ok(queueOffsets.length > 1)
    putOk(again, recovered, message({ text: 'next' }))
    await recovered.shutdown()
    const folder = again.disk
      .list(ROOT)
      .find(({ name }) => name.startsWith('commitlog.behind-gap-'))
    assert.ok(folder !== undefined)
    const kept = again.disk.list(`${ROOT}/${folder.name}`).map(({ name }) => Number(name))
    assert.deepEqual(new Set(kept), new Set([8192, 12288]))
    const { notes } = examineStore(again.disk, config)
    assert.ok(notes.some((note) => note.includes(folder.name)))
    assertSound(again, config)
  })

  test('a file that was on disk and is missing after a kill is asked for, and nothing is moved', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    for (let i = 0; i < 12; i++) putOk(env, store, message({ text: 'x'.repeat(1000) }))
    await pass(env, 15)
    const again = env.kill()
    const second = `${ROOT}/commitlog/00000000000000004096`
    const bytes = again.disk.readFile(second) as Buffer
    again.disk.remove(second)
    await assert.rejects(MessageStore.open(again, config), { code: 'ERR_STORE_SEGMENT_GAP' })
    again.disk.writeFile(second, bytes)
    const recovered = await startStore(again, config)
    assert.equal((await readAll(recovered, 'TopicTest', 0)).records.length, 12)
    await stopAndCheck(again, recovered, config)
  })
})

describe('After an orderly stop', () => {
  test('nothing is written to the files of the log when they are opened again', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    putOk(env, store, message())
    await stopAndCheck(env, store, config)
    assert.equal(env.disk.stat(`${ROOT}/abort`), undefined)
    const path = `${ROOT}/commitlog/00000000000000000000`
    const before = env.disk.stat(path)?.modifiedMs
    env.clock.advance(3_600_000)
    const again = await startStore(env, config)
    assert.ok(env.disk.stat(`${ROOT}/abort`) !== undefined)
    await stopAndCheck(env, again, config)
    // Retention goes by this time.
    assert.equal(env.disk.stat(path)?.modifiedMs, before)
  })

  test('other file sizes in the configuration have no effect on what is there', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 100; i++)
      putOk(env, store, message({ properties: Buffer.from(`KEYS\x01k${i}\x02`) }))
    await stopAndCheck(env, store, config)
    const other = smallConfig({
      mappedFileSizeCommitLog: 1024 * 1024,
      mappedFileSizeConsumeQueue: 4000,
      maxHashSlotNum: 50,
    })
    const again = await startStore(env, other)
    assert.equal(env.seen.filter((name) => name === 'store.segment.size').length, 2)
    assert.equal((await readAll(again, 'TopicTest', 0)).records.length, 100)
    // An index of other sizes cannot be read, and is made anew.
    assert.ok(env.seen.includes('store.index.dropped'))
    const found = again.queryByKey('TopicTest', 'k3', 8, 0, Number.MAX_SAFE_INTEGER)
    assert.equal(found.records.length, 1)
    await again.shutdown()
    assertSound(env, other)
  })

  test('files of the log of two sizes, or with one missing, are refused with their name', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    for (let i = 0; i < 12; i++) putOk(env, store, message({ text: 'x'.repeat(1000) }))
    await stopAndCheck(env, store, config)
    const second = `${ROOT}/commitlog/00000000000000004096`
    const bytes = env.disk.readFile(second) as Buffer
    env.disk.writeFile(second, bytes.subarray(0, 4000))
    await assert.rejects(MessageStore.open(env, config), { code: 'ERR_STORE_SEGMENT_SIZE' })
    env.disk.remove(second)
    await assert.rejects(MessageStore.open(env, config), { code: 'ERR_STORE_SEGMENT_GAP' })
    env.disk.writeFile(second, bytes)
    await stopAndCheck(env, await startStore(env, config), config)
  })

  test('queues that were taken away are made again', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (let i = 0; i < 130; i++) putOk(env, store, message({ queueId: i % 2 }))
    await stopAndCheck(env, store, config)
    env.disk.removeTree(`${ROOT}/consumequeue`)
    const again = await startStore(env, config)
    assert.equal((await readAll(again, 'TopicTest', 0)).records.length, 65)
    await stopAndCheck(env, again, config)
  })

  test('units left behind the end by a cut of another broker are not taken for messages', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const first = putOk(env, store, message({ queueId: 0 }))
    const second = putOk(env, store, message({ queueId: 1 }))
    await stopAndCheck(env, store, config)
    // Queue 0 has a second unit that names the message of queue 1.
    const queue = env.disk.open(`${ROOT}/consumequeue/TopicTest/0/00000000000000000000`, 'write')
    const unit = Buffer.alloc(20)
    unit.writeUInt32BE(second.physicalOffset, 4)
    unit.writeUInt32BE(second.sizeBytes, 8)
    queue.writeNow(unit, 20)
    const again = await startStore(env, config)
    assert.equal(again.offsetMax('TopicTest', 0), first.queueOffset + 1)
    await stopAndCheck(env, again, config)
  })
})
