import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import { encodeProperties, Property, recordSpans, TIMER_TOPIC } from '@skylarkmq/protocol'
import { insideOf, isFolderName } from '../src/segment/inside-path.ts'
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
import { testEnv } from './support/test-env.ts'
import type { TestEnv } from './support/test-env.ts'

const UNSAFE = [
  '',
  '.',
  '..',
  '../victim',
  'a/b',
  '/etc',
  'a\\b',
  'a\0b',
  'a\nb',
  '\x1b[2J',
  'é'.repeat(128),
]
const VICTIM = '/victim/0'
const PRECIOUS = `${VICTIM}/00000000000000000000`

function envWithVictim(): TestEnv {
  const env = testEnv(memoryDisk(() => 0))
  env.disk.makeDirectory(VICTIM)
  env.disk.writeFile(PRECIOUS, Buffer.from('of somebody else'))
  return env
}

const assertUntouched = (env: TestEnv): void => {
  assert.equal(env.disk.readFile(PRECIOUS)?.toString(), 'of somebody else')
  assert.deepEqual(
    env.disk
      .list('/')
      .map(({ name }) => name)
      .sort(),
    ['store', 'victim'],
  )
}

describe('A topic that is no name of a folder', () => {
  test('makes no path', () => {
    for (const name of UNSAFE) {
      assert.equal(isFolderName(name), false, JSON.stringify(name))
      assert.throws(() => insideOf('/q', name), { code: 'ERR_STORE_NAME' })
    }
    for (const name of ['T', '%RETRY%group', '%LMQ%a|b', '主题', 'a.b', '...', ' ']) {
      assert.equal(insideOf('/q', name, '0'), `/q/${name}/0`)
    }
  })

  test('is refused where a message enters the log, alone and in a batch, as is a queue without a number', async () => {
    const env = envWithVictim()
    const config = smallConfig()
    const store = await startStore(env, config)
    for (const topic of UNSAFE) {
      assert.equal(put(env, store, message({ topic })).status, 'MESSAGE_ILLEGAL')
      const batch = store.putMessages([message({ topic })])
      assert.ok(!(batch instanceof Promise))
      assert.equal(batch.status, 'MESSAGE_ILLEGAL')
    }
    for (const queueId of [-1, 0.5, 2 ** 31, NaN]) {
      assert.equal(put(env, store, message({ queueId })).status, 'MESSAGE_ILLEGAL')
    }
    await stopAndCheck(env, store, config)
    assertUntouched(env)
  })

  test('is not a destination of a timer message: it is reported, and later ones are delivered', async () => {
    const env = envWithVictim()
    const config = smallConfig({ mappedFileSizeTimerLog: 4096 })
    const store = await startStore(env, config)
    for (const topic of ['../../../victim', 'T']) {
      const properties = encodeProperties({
        [Property.UNIQ_KEY]: topic,
        [Property.TIMER_OUT_MS]: '1',
        [Property.REAL_TOPIC]: topic,
        [Property.REAL_QID]: '0',
      })
      putOk(env, store, message({ topic: TIMER_TOPIC, properties }))
    }
    for (let i = 0; i < 200; i++) {
      env.clock.advance(20)
      env.endTurn()
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal((await readAll(store, 'T', 0)).records.length, 1)
    assert.ok(env.seen.includes('store.timer.refused'))
    await stopAndCheck(env, store, config)
    assertUntouched(env)
  })

  test('gets no queue when a start finds it in the log, and all others get theirs', async () => {
    const env = envWithVictim()
    const config = smallConfig()
    const store = await startStore(env, config)
    const evil = '../../victim'
    putOk(env, store, message({ topic: 'T', text: 'before' }))
    const { physicalOffset, sizeBytes } = putOk(
      env,
      store,
      message({ topic: 'x'.repeat(evil.length) }),
    )
    putOk(env, store, message({ topic: 'T', text: 'behind' }))
    await store.shutdown()
    // As somebody writes it who does not look at names.
    const path = `${ROOT}/commitlog/00000000000000000000`
    const log = env.disk.open(path, 'write')
    const record = Buffer.alloc(sizeBytes)
    log.readNow(record, physicalOffset)
    const spans = recordSpans(record, 0, record.length)
    assert.ok(typeof spans !== 'string')
    log.writeNow(Buffer.from(evil), physicalOffset + spans.topicStart)
    log.close()
    env.disk.removeTree(`${ROOT}/consumequeue`)
    env.disk.remove(`${ROOT}/checkpoint`)
    env.disk.writeFile(`${ROOT}/abort`, Buffer.from('1'))
    const again = await startStore(env, config)
    assert.equal((await readAll(again, 'T', 0)).records.length, 2)
    assert.deepEqual(again.topics(), ['T'])
    again.deleteTopic(evil)
    await stopAndCheck(env, again, config)
    assertUntouched(env)
  })

  test('is no light queue, however it is spelt', async () => {
    const env = envWithVictim()
    const config = smallConfig({ enableLmq: true, enableMultiDispatch: true })
    const store = await startStore(env, config)
    const names = ['%LMQ%x/../../victim', `%LMQ%${'x'.repeat(300)}`, '%LMQ%good']
    const properties = encodeProperties({ [Property.INNER_MULTI_DISPATCH]: names.join(',') })
    putOk(env, store, message({ properties }))
    assert.deepEqual(store.topics().sort(), ['%LMQ%good', 'TopicTest'])
    await stopAndCheck(env, store, config)
    assertUntouched(env)
  })
})

describe('Deleting a topic', () => {
  test('removes the files of its queues and what is empty then, and nothing of somebody else', async () => {
    const env = envWithVictim()
    const config = smallConfig()
    const store = await startStore(env, config)
    for (const topic of ['Mine', 'Shared']) {
      for (let queueId = 0; queueId < 3; queueId++) putOk(env, store, message({ topic, queueId }))
    }
    // The units are written a while after.
    env.clock.advance(1000)
    env.endTurn()
    const shared = `${ROOT}/consumequeue/Shared`
    env.disk.makeDirectory(`${shared}/of somebody`)
    env.disk.writeFile(`${shared}/of somebody/precious`, Buffer.from('kept'))
    env.disk.writeFile(`${shared}/1/notes`, Buffer.from('kept'))
    store.deleteTopic('Mine')
    store.deleteTopic('Shared')
    assert.equal(env.disk.stat(`${ROOT}/consumequeue/Mine`), undefined)
    assert.deepEqual(
      env.disk
        .list(shared)
        .map(({ name }) => name)
        .sort(),
      ['1', 'of somebody'],
    )
    assert.deepEqual(
      env.disk.list(`${shared}/1`).map(({ name }) => name),
      ['notes'],
    )
    assert.ok(env.seen.includes('store.topic.folder-kept'))
    await store.shutdown()
    // Only a broker's topics.json says that the topics were deleted.
    leftUnsound(env)
    assertUntouched(env)
  })
})

test('a folder that nobody would name so does not keep a store from opening', async () => {
  const env = envWithVictim()
  const config = smallConfig()
  const store = await startStore(env, config)
  putOk(env, store, message({ topic: 'T' }))
  await store.shutdown()
  for (const name of ['a\\b', 'a\nb', 'x'.repeat(300)]) {
    env.disk.makeDirectory(`${ROOT}/consumequeue/${name}/0`)
  }
  const again = await startStore(env, config)
  assert.deepEqual(again.topics(), ['T'])
  await again.shutdown()
  // Those folders hold no queue's files, and a check says so.
  leftUnsound(env)
  assertUntouched(env)
})
