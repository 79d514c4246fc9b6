import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeRecord, javaHash } from '@skylarkmq/protocol'
import { inspectQueue } from '@skylarkmq/store-tools'
import { PutMessageStatus } from '../src/index.ts'
import type { PutMessageResult } from '../src/index.ts'
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
import { hostFailure, settled, testEnv } from './support/test-env.ts'
import { expectEvent } from '@skylarkmq/env/sim'
import { writeFailed, writeWorksAgain } from '../src/events.ts'

describe('A message that is put', () => {
  test('can be read at the end of its turn, and not before', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const result = store.putMessage(message())
    assert.ok(!(result instanceof Promise))
    assert.equal(result.status, PutMessageStatus.PUT_OK)
    assert.equal(store.offsetMax('TopicTest', 0), 0)
    env.endTurn()
    assert.equal(store.offsetMax('TopicTest', 0), 1)
    const { records } = await readAll(store, 'TopicTest', 0)
    const record = decodeRecord(records[0] as Buffer)
    assert.equal(record.body.toString(), 'hello')
    assert.equal(record.storeTimestamp, env.clock.now())
    assert.deepEqual([...record.storeHost], [127, 0, 0, 1])
    await stopAndCheck(env, store, config)
  })

  test('tells listeners once it can be read', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const heard: unknown[] = []
    store.watch({
      arrived: ({ topic, queueId, nextOffset, tagsCode, physicalOffset, sizeBytes }) => {
        assert.equal(store.offsetMax(topic, queueId), nextOffset)
        assert.ok(store.recordAt(physicalOffset, sizeBytes) !== undefined)
        heard.push([topic, queueId, nextOffset, tagsCode])
      },
    })
    void store.putMessage(message({ queueId: 3, tagsCode: -7 }))
    void store.putMessage(message({ queueId: 3, tagsCode: 8 }))
    assert.deepEqual(heard, [])
    env.endTurn()
    assert.deepEqual(heard, [
      ['TopicTest', 3, 1, -7],
      ['TopicTest', 3, 2, 8],
    ])
    await stopAndCheck(env, store, config, 'tags code')
  })

  test('goes to the next file when it does not fit, behind a blank that fills the file', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    const first = putOk(env, store, message({ text: 'a'.repeat(3000) }))
    const second = putOk(env, store, message({ text: 'b'.repeat(3000) }))
    assert.equal(second.physicalOffset, 4096)
    const file = env.disk.readFile(`${ROOT}/commitlog/00000000000000000000`) as Buffer
    assert.equal(file.length, 4096)
    assert.equal(file.readInt32BE(first.sizeBytes), 4096 - first.sizeBytes)
    assert.equal(file.readUInt32BE(first.sizeBytes + 4), 0xcbd43194)
    await stopAndCheck(env, store, config)
  })

  test('is refused when it can never fit, and nothing changes', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    const properties = Buffer.from(`k\x01${'v'.repeat(40_000)}\x02`)
    const cases = [
      [message({ text: 'x'.repeat(4096) }), PutMessageStatus.MESSAGE_ILLEGAL],
      [message({ topic: 't'.repeat(256) }), PutMessageStatus.MESSAGE_ILLEGAL],
      [message({ properties }), PutMessageStatus.PROPERTIES_SIZE_EXCEEDED],
    ] as const
    for (const [toStore, status] of cases) assert.equal(put(env, store, toStore).status, status)
    config.maxMessageSize = 10
    assert.equal(put(env, store, message({ text: 'x'.repeat(11) })).status, 'MESSAGE_ILLEGAL')
    assert.equal(store.commitLogOffsetMax, 0)
    await stopAndCheck(env, store, config)
  })

  test('of a long topic is a record of version 2, unless that is switched off', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const topic = `%RETRY%${'g'.repeat(140)}`
    const result = putOk(env, store, message({ topic }))
    assert.equal(store.recordAt(result.physicalOffset)?.readUInt32BE(4), 0xdaa320ab)
    config.autoMessageVersionOnTopicLen = false
    assert.equal(put(env, store, message({ topic })).status, PutMessageStatus.MESSAGE_ILLEGAL)
    await stopAndCheck(env, store, config)
  })

  test('that is delayed has the time when it is due in its queue', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const properties = Buffer.from('DELAY\x013\x02TAGS\x01a\x02')
    const topic = 'SCHEDULE_TOPIC_XXXX'
    const result = putOk(env, store, message({ topic, queueId: 2, properties }))
    const above = Buffer.from('DELAY\x0199\x02')
    putOk(env, store, message({ topic, queueId: 17, properties: above }))
    assert.equal(store.queueUnitAt(topic, 2, 0)?.tagsCode, result.storeTimestamp + 10_000)
    assert.equal(store.queueUnitAt(topic, 17, 0)?.tagsCode, env.clock.now() + 7_200_000)
    await stopAndCheck(env, store, config)
  })

  test('as a prepared or rolled back transaction gets no place in its queue', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    for (const sysFlag of [4, 12]) {
      assert.equal(putOk(env, store, message({ sysFlag })).queueOffset, 0)
    }
    assert.equal(store.offsetMax('TopicTest', 0), 0)
    assert.equal(putOk(env, store, message({ sysFlag: 8 })).queueOffset, 0)
    assert.equal(store.offsetMax('TopicTest', 0), 1)
    await stopAndCheck(env, store, config)
  })
})

describe('A batch', () => {
  test('lies in one file, and its messages follow each other in the queue', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    putOk(env, store, message({ text: 'x'.repeat(2500) }))
    const batch = [1, 2, 3].map((n) => message({ text: String(n).repeat(500) }))
    const result = store.putMessages(batch)
    assert.ok(!(result instanceof Promise))
    env.endTurn()
    assert.equal(result.status, PutMessageStatus.PUT_OK)
    assert.equal(result.queueOffset, 1)
    assert.equal(result.physicalOffsets[0], 4096)
    const { records } = await readAll(store, 'TopicTest', 0)
    const offsets = records.slice(1).map((record) => decodeRecord(record).physicalOffset)
    assert.deepEqual(offsets, result.physicalOffsets)
    await stopAndCheck(env, store, config)
  })

  test('that fits no file is refused as a whole', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    const result = store.putMessages([message(), message({ text: 'x'.repeat(4000) })])
    assert.ok(!(result instanceof Promise))
    assert.equal(result.status, PutMessageStatus.MESSAGE_ILLEGAL)
    assert.deepEqual(result.physicalOffsets, [])
    assert.equal(store.commitLogOffsetMax, 0)
    await stopAndCheck(env, store, config)
  })
})

describe('A disk that refuses writes', () => {
  test('fails the turn, loses nothing that was acknowledged, and heals by itself', async (t) => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    putOk(env, store, message({ text: 'before' }))
    const end = store.commitLogOffsetMax
    env.fault = (operation, path) =>
      operation === 'write' && path.includes('/commitlog/') ? hostFailure('ENOSPC') : undefined
    const failures: unknown[] = []
    void store.putMessage(message({ text: 'lost' }))
    void store.putMessage(message({ text: 'lost', queueId: 1 }))
    env.turn.sends((failure) => failures.push(failure))
    env.endTurn()
    assert.equal((failures[0] as { code: string }).code, 'ERR_STORE_WRITE_FAILED')
    assert.equal(store.commitLogOffsetMax, end)
    assert.equal(store.offsetMax('TopicTest', 0), 1)
    assert.equal(store.offsetMax('TopicTest', 1), 0)
    const refused = put(env, store, message())
    assert.equal(refused.status, PutMessageStatus.SERVICE_NOT_AVAILABLE)
    assert.match(refused.remark ?? '', /ENOSPC/)
    env.clock.advance(5000)
    assert.equal(store.isWriteable(), false)
    env.fault = undefined
    env.clock.advance(1000)
    assert.equal(store.whyNotWriteable(), undefined)
    const after = putOk(env, store, message({ text: 'after' }))
    assert.equal(after.physicalOffset, end)
    assert.equal(after.queueOffset, 1)
    expectEvent(t, env.seen, writeFailed)
    expectEvent(t, env.seen, writeWorksAgain)
    await stopAndCheck(env, store, config)
  })

  test('that cannot hold the queues refuses messages until it can, and then has all units', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    env.fault = (operation, path) =>
      operation === 'create' && path.includes('/consumequeue/') ? hostFailure('ENOSPC') : undefined
    putOk(env, store, message())
    env.clock.advance(100)
    assert.match(store.whyNotWriteable() ?? '', /consume queues/)
    assert.equal((await readAll(store, 'TopicTest', 0)).records.length, 1)
    env.fault = undefined
    env.clock.advance(100)
    assert.equal(store.isWriteable(), true)
    assert.equal(inspectQueue(env.disk, ROOT, 'TopicTest', 0).length, 1)
    await stopAndCheck(env, store, config)
  })

  test('for the next file refuses the message that needs it', async () => {
    const [env, config] = [testEnv(), smallConfig({ mappedFileSizeCommitLog: 4096 })]
    const store = await startStore(env, config)
    putOk(env, store, message({ text: 'x'.repeat(3000) }))
    env.fault = (operation) => (operation === 'create' ? hostFailure('EMFILE') : undefined)
    const result = put(env, store, message({ text: 'x'.repeat(3000) }))
    assert.equal(result.status, PutMessageStatus.CREATE_MAPPED_FILE_FAILED)
    env.fault = undefined
    env.clock.advance(1000)
    putOk(env, store, message({ text: 'x'.repeat(3000) }))
    await stopAndCheck(env, store, config)
  })
})

describe('Under SYNC_FLUSH', () => {
  const sync = { flushDiskType: 'SYNC_FLUSH' } as const

  test('a message is answered and readable once it is on disk; those of one turn share a sync', async () => {
    const [env, config] = [testEnv(), smallConfig(sync)]
    const store = await startStore(env, config)
    let syncs = 0
    env.fault = (operation, path) => {
      if (operation === 'sync' && path.includes('/commitlog/')) syncs++
      return undefined
    }
    const results = [1, 2, 3].map(async () => store.putMessage(message()))
    const unwaited = store.putMessage(message({ waitStoreOk: false }))
    assert.ok(!(unwaited instanceof Promise))
    env.endTurn()
    assert.equal(store.offsetMax('TopicTest', 0), 0)
    const statuses = (await Promise.all(results)).map((result) => result.status)
    assert.deepEqual(statuses, ['PUT_OK', 'PUT_OK', 'PUT_OK'])
    assert.equal(store.offsetMax('TopicTest', 0), 4)
    assert.equal(store.flushedOffset, store.commitLogOffsetMax)
    assert.equal(syncs, 1)
    await stopAndCheck(env, store, config)
  })

  test('a disk that takes too long ends the waiting, and the message is stored', async () => {
    const [env, config] = [testEnv(), smallConfig(sync)]
    const store = await startStore(env, config)
    const result = store.putMessage(message())
    // The turn does not end, so nothing is written yet.
    env.clock.advance(5000)
    assert.equal((await result).status, PutMessageStatus.FLUSH_DISK_TIMEOUT)
    env.endTurn()
    await settled()
    assert.equal(store.offsetMax('TopicTest', 0), 1)
    await stopAndCheck(env, store, config)
  })

  test('a request with a shorter wait is not delayed by one with a longer wait', async () => {
    const [env, config] = [testEnv(), smallConfig({ ...sync, syncFlushTimeout: 60_000 })]
    const store = await startStore(env, config)
    const ended: string[] = []
    const put = (name: string): void => {
      void (store.putMessage(message()) as Promise<PutMessageResult>).then(({ status }) => {
        ended.push(`${name} ${status}`)
      })
    }
    put('long')
    Object.assign(config, { syncFlushTimeout: 5000 })
    put('short')
    env.clock.advance(5000)
    await settled()
    assert.deepEqual(ended, ['short FLUSH_DISK_TIMEOUT'])
    env.clock.advance(55_000)
    await settled()
    assert.deepEqual(ended.slice(1), ['long FLUSH_DISK_TIMEOUT'])
    env.endTurn()
    await settled()
    await stopAndCheck(env, store, config)
  })

  test('a write that fails ends the waiting of its messages', async () => {
    const [env, config] = [testEnv(), smallConfig(sync)]
    const store = await startStore(env, config)
    env.fault = (operation) => (operation === 'write' ? hostFailure('ENOSPC') : undefined)
    const result = store.putMessage(message())
    env.endTurn()
    assert.equal((await result).status, PutMessageStatus.SERVICE_NOT_AVAILABLE)
    env.fault = undefined
    env.clock.advance(1000)
    await stopAndCheck(env, store, config)
  })
})

describe('What else answers are made to wait for', () => {
  /** A condition that a test ends, and where what waits for it ends. */
  function condition() {
    const waiting = new Map<number, (status: PutMessageStatus) => void>()
    const dropped: number[] = []
    const made = {
      wait: (end: number, waitStoreOk: boolean) =>
        waitStoreOk
          ? new Promise<PutMessageStatus>((resolve) => waiting.set(end, resolve))
          : undefined,
      dropFrom: (offset: number) => void dropped.push(offset),
    }
    return { made, waiting, dropped }
  }

  const { PUT_OK, FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT, SERVICE_NOT_AVAILABLE } =
    PutMessageStatus

  test('holds up an answer whose message waits, and no other', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const { made, waiting } = condition()
    store.acknowledgeAfter(made)
    const held = store.putMessage(message())
    const end = store.commitLogOffsetMax
    assert.ok(held instanceof Promise)
    const atOnce = store.putMessage(message({ waitStoreOk: false }))
    assert.ok(!(atOnce instanceof Promise))
    const batch = store.putMessages([message(), message()])
    assert.ok(batch instanceof Promise)
    env.endTurn()
    waiting.get(end)?.(FLUSH_SLAVE_TIMEOUT)
    waiting.get(store.commitLogOffsetMax)?.(PUT_OK)
    assert.equal((await held).status, FLUSH_SLAVE_TIMEOUT)
    assert.equal((await batch).status, PUT_OK)
    await stopAndCheck(env, store, config)
  })

  test('is waited for in addition to the disk; the last failed condition is reported, and a lost message is an error', async () => {
    const [env, config] = [testEnv(), smallConfig({ flushDiskType: 'SYNC_FLUSH' })]
    const store = await startStore(env, config)
    const [one, two] = [condition(), condition()]
    for (const { made } of [one, two]) store.acknowledgeAfter(made)
    const answers: (readonly [PutMessageStatus, PutMessageStatus, PutMessageStatus])[] = [
      [PUT_OK, PUT_OK, PUT_OK],
      [FLUSH_DISK_TIMEOUT, PUT_OK, FLUSH_DISK_TIMEOUT],
      [FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT, FLUSH_SLAVE_TIMEOUT],
      [SERVICE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT, SERVICE_NOT_AVAILABLE],
    ]
    for (const [first, second, expected] of answers) {
      const result = store.putMessage(message())
      env.endTurn()
      one.waiting.get(store.commitLogOffsetMax)?.(first)
      two.waiting.get(store.commitLogOffsetMax)?.(second)
      assert.equal((await result).status, expected)
    }
    await stopAndCheck(env, store, config)
  })

  test('hears what could not be written', async () => {
    const [env, config] = [testEnv(), smallConfig()]
    const store = await startStore(env, config)
    const { made, waiting, dropped } = condition()
    store.acknowledgeAfter(made)
    const result = store.putMessage(message())
    env.fault = (operation) => (operation === 'write' ? hostFailure('EIO') : undefined)
    env.endTurn()
    assert.deepEqual(dropped, [0])
    for (const end of waiting.values()) end(SERVICE_NOT_AVAILABLE)
    assert.equal((await result).status, SERVICE_NOT_AVAILABLE)
    leftUnsound(env)
  })
})

test('A store that is not started, or is a slave, refuses messages and says why', async () => {
  const [env, config] = [testEnv(), smallConfig({ brokerRole: 'SLAVE' })]
  const store = await startStore(env, config)
  assert.match(put(env, store, message({ tagsCode: javaHash('a') })).remark ?? '', /slave/)
  await stopAndCheck(env, store, config)
  assert.match(put(env, store, message()).remark ?? '', /shut down/)
})
