import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeProperties,
  decodeRecord,
  encodeProperties,
  Property,
  TIMER_TOPIC,
  timerMetricsBody,
} from '@skylarkmq/protocol'
import { timerSlotOf } from '../src/index.ts'
import type { MessageStore, MessageToStore, StoreConfig } from '../src/index.ts'
import { goldenStore } from './support/golden.ts'
import { message, putOk, readAll, smallConfig, startStore, stopAndCheck } from './support/stores.ts'
import { testEnv } from './support/test-env.ts'
import type { TestEnv } from './support/test-env.ts'

const SMALL: Partial<StoreConfig> = { mappedFileSizeTimerLog: 4096 }

/** A message for topic T that is due at a time, as a broker stores it. */
function timed(key: string, deliverMs: number, more: Record<string, string> = {}): MessageToStore {
  const properties = {
    [Property.UNIQ_KEY]: key,
    [Property.TIMER_DELIVER_MS]: String(deliverMs),
    [Property.TIMER_OUT_MS]: String(timerSlotOf(deliverMs, 1000)),
    [Property.REAL_TOPIC]: 'T',
    [Property.REAL_QID]: '0',
    ...more,
  }
  return message({ topic: TIMER_TOPIC, properties: encodeProperties(properties), text: key })
}

/** Lets time pass in small steps, each with its turn. */
async function pass(env: TestEnv, ms: number, stepMs = 20): Promise<void> {
  for (let at = 0; at < ms; at += stepMs) {
    env.clock.advance(Math.min(stepMs, ms - at))
    env.endTurn()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

interface Delivered {
  readonly key: string
  readonly atMs: number
  readonly properties: ReadonlyMap<string, string>
}

async function delivered(store: MessageStore): Promise<Delivered[]> {
  const { records } = await readAll(store, 'T', 0)
  return records.map((record) => {
    const { body, storeTimestamp, properties } = decodeRecord(record)
    return {
      key: body.toString(),
      atMs: storeTimestamp,
      properties: decodeProperties(properties),
    }
  })
}

const waitingFor = (store: MessageStore, topic: string): number | undefined =>
  store.timers?.metrics.timingCount.get(topic)?.count

const keys = (all: readonly Delivered[]): string[] => all.map(({ key }) => key)

// Reference of this file: `TimerMessageStore.java`.
test('messages are delivered when they are due, in that order, and not before', async () => {
  const env = testEnv()
  const config = smallConfig(SMALL)
  const store = await startStore(env, config)
  const begin = env.clock.now()
  const delays = [2_500, 1_000, 1_700, 60_000, 300, 1_701]
  for (const [i, ms] of delays.entries()) putOk(env, store, timed(`m${i}`, begin + ms))
  await pass(env, 61_000)
  const all = await delivered(store)
  assert.deepEqual(keys(all), ['m4', 'm1', 'm2', 'm5', 'm0', 'm3'])
  for (const { key, atMs } of all) {
    const late = atMs - begin - (delays[Number(key.slice(1))] as number)
    assert.ok(late >= 0 && late <= 30, `${key} is ${late} ms late`)
  }
  const { properties } = all[1] as Delivered
  assert.equal(properties.get(Property.REAL_TOPIC), 'T')
  assert.equal(properties.get(Property.TIMER_ENQUEUE_MS), String(begin))
  assert.ok(Number(properties.get(Property.TIMER_DEQUEUE_MS)) >= begin + 1_000)
  assert.equal(store.timers?.progress().waiting, 0)
  assert.equal(store.timers.metrics.timingCount.get('T')?.count, 0)
  await stopAndCheck(env, store, config)
})

test('a message whose time is past is delivered at once', async () => {
  const env = testEnv()
  const config = smallConfig(SMALL)
  const store = await startStore(env, config)
  await pass(env, 5_000)
  putOk(env, store, timed('late', env.clock.now() - 3_000))
  await pass(env, 100)
  const [late] = await delivered(store)
  assert.equal(late?.properties.get(Property.TIMER_ENQUEUE_MS), '9223372036854775807')
  await stopAndCheck(env, store, config)
})

test('what waits outlives an orderly stop, and comes once', async () => {
  const env = testEnv()
  const config = smallConfig(SMALL)
  const begin = env.clock.now()
  const first = await startStore(env, config)
  for (let i = 0; i < 200; i++) putOk(env, first, timed(`m${i}`, begin + 1_000 + i * 37))
  await pass(env, 3_333)
  await stopAndCheck(env, first, config)
  env.clock.advance(2_000)
  const second = await startStore(env, config)
  await pass(env, 4_000)
  const all = await delivered(second)
  assert.deepEqual(
    keys(all),
    Array.from({ length: 200 }, (_, i) => `m${i}`),
  )
  await stopAndCheck(env, second, config)
})

test('after a kill at any moment nothing is lost, nothing early, and nothing comes twice', async () => {
  for (let killAtMs = 0; killAtMs < 4_000; killAtMs += 90) {
    const env = testEnv()
    const config = smallConfig(SMALL)
    const begin = env.clock.now()
    const first = await startStore(env, config)
    for (let i = 0; i < 40; i++) putOk(env, first, timed(`m${i}`, begin + 100 + i * 83))
    await pass(env, killAtMs, 30)
    const again = env.kill()
    const second = await startStore(again, config)
    await pass(again, 5_000, 30)
    const all = await delivered(second)
    assert.deepEqual(
      keys(all),
      Array.from({ length: 40 }, (_, i) => `m${i}`),
      `killed after ${killAtMs} ms`,
    )
    for (const { key, atMs } of all) assert.ok(atMs >= begin + 100 + Number(key.slice(1)) * 83)
    assert.equal(waitingFor(second, 'T'), 0, `killed after ${killAtMs} ms`)
    await stopAndCheck(again, second, config)
  }
})

test('a start puts numbers right that another broker left behind', async () => {
  const env = testEnv()
  const config = smallConfig(SMALL)
  const begin = env.clock.now()
  const first = await startStore(env, config)
  for (let i = 0; i < 12; i++) putOk(env, first, timed(`m${i}`, begin + 500 + i * 1_000))
  await pass(env, 3_000)
  await stopAndCheck(env, first, config)
  const old = { count: 99, timeStamp: begin }
  const timingCount = new Map([
    ['T', old],
    ['gone', old],
  ])
  const dataVersion = { stateVersion: 0, timestamp: begin, counter: 1 }
  const bytes = timerMetricsBody.encode({ dataVersion, timingCount })
  env.disk.writeFile('/store/config/timermetrics', bytes)
  const second = await startStore(env, config)
  assert.deepEqual([waitingFor(second, 'T'), waitingFor(second, 'gone')], [9, 0])
  await pass(env, 10_000)
  assert.equal(waitingFor(second, 'T'), 0)
  await stopAndCheck(env, second, config)
})

test('a message that is called back is not delivered', async () => {
  const env = testEnv()
  const config = smallConfig(SMALL)
  const store = await startStore(env, config)
  const due = env.clock.now() + 5_500
  for (const key of ['kept', 'recalled']) putOk(env, store, timed(key, due))
  await pass(env, 1_000)
  const recall = { [Property.TIMER_DEL_UNIQKEY]: 'T+recalled' }
  putOk(env, store, timed('recalled', timerSlotOf(due, 1000) + 1, recall))
  await pass(env, 10_000)
  assert.deepEqual(keys(await delivered(store)), ['kept'])
  assert.equal(store.timers?.metrics.timingCount.get('T')?.count, 0)
  await stopAndCheck(env, store, config)
})

test('a message that waits longer than the window is rolled', async () => {
  const env = testEnv()
  const config = smallConfig({ ...SMALL, timerRollWindowSlot: 10 })
  const store = await startStore(env, config)
  const begin = env.clock.now()
  putOk(env, store, timed('far', begin + 35_250))
  await pass(env, 35_240)
  assert.deepEqual(keys(await delivered(store)), [])
  await pass(env, 40)
  const [far] = await delivered(store)
  assert.equal(far?.key, 'far')
  assert.equal(far.properties.get(Property.TIMER_ROLL_TIMES), '3')
  await stopAndCheck(env, store, config)
})

test('the delay of a rolled message is not counted again from the roll', async () => {
  const env = testEnv()
  const config = smallConfig({ ...SMALL, timerRollWindowSlot: 12 })
  const store = await startStore(env, config)
  const begin = env.clock.now()
  const waiting = timed('m', begin + 786 + 75)
  // The broker that sets the clock back by a minute rolls what it took in before.
  const rolled = {
    ...waiting,
    properties: encodeProperties({
      ...Object.fromEntries(decodeProperties(Buffer.from(waiting.properties))),
      [Property.TIMER_DELAY_MS]: '786',
      [Property.TIMER_ROLL_TIMES]: '1',
    }),
  }
  putOk(env, store, rolled)
  await pass(env, 3_000)
  const [found] = await delivered(store)
  assert.equal(found?.key, 'm')
  const slotEnd = timerSlotOf(begin + 786 + 75, 1000) + 1000
  assert.ok(found.atMs >= slotEnd, `${slotEnd - found.atMs} ms before the end of its slot`)
  await stopAndCheck(env, store, config)
})

test('a wheel that is gone is made again from the timer log, and both from the queue', async () => {
  for (const gone of [['timerwheel'], ['timerwheel', 'timerlog'], ['timerlog']]) {
    const env = testEnv()
    const config = smallConfig(SMALL)
    const begin = env.clock.now()
    const first = await startStore(env, config)
    for (let i = 0; i < 30; i++) putOk(env, first, timed(`m${i}`, begin + 1_000 + i * 200))
    await pass(env, 3_150)
    await stopAndCheck(env, first, config)
    for (const name of gone) env.disk.removeTree(`/store/${name}`)
    const second = await startStore(env, config)
    await pass(env, 6_000)
    const all = keys(await delivered(second))
    assert.equal(new Set(all).size, 30, gone.join())
    await stopAndCheck(env, second, config)
  }
})

// Golden data: `extras`, in which messages wait for 1 h, 2 h, 2 h, and 2 days and 2 h, as Apache 5.3.3 left them.
test("what Apache's broker left waiting is delivered, and rolled", async () => {
  const { env, config } = goldenStore('extras')
  const before = env.clock.now()
  const store = await startStore(env, { ...config, mappedFileSizeTimerLog: 65_536 })
  assert.equal(store.offsetMax('TopicTimer', 0), 1)
  await pass(env, 400)
  const { records } = await readAll(store, 'TopicTimer', 0)
  const ids = records.map((record) =>
    decodeProperties(decodeRecord(record).properties).get(Property.UNIQ_KEY),
  )
  assert.deepEqual([ids.length, new Set(ids).size], [4, 4])
  for (const record of records.slice(1)) {
    assert.ok(decodeRecord(record).storeTimestamp >= before)
  }
  const last = (await readAll(store, TIMER_TOPIC, 0)).records.at(-1) as Buffer
  const rolled = decodeProperties(decodeRecord(last).properties)
  assert.equal(rolled.get(Property.TIMER_ROLL_TIMES), '1')
  assert.equal(store.timers?.progress().waiting, 1)
  await store.shutdown()
})
