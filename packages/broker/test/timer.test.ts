import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import {
  decodeProperties,
  decodeRecords,
  decodeTimerCheckPoint,
  GetBrokerRuntimeInfo,
  GetTimerCheckPoint,
  GetTimerMetrics,
  kvTableBody,
  Property,
  RecallMessage,
  ResponseCode,
  TIMER_TOPIC,
  timerMetricsBody,
} from '@skylarkmq/protocol'
import { passUntil, testBroker, type Peer } from './support/broker.ts'

async function bodies(peer: Peer, topic: string): Promise<string[]> {
  const { body } = await peer.pull(topic, 0)
  return decodeRecords(body ?? Buffer.alloc(0)).map((each) => each.body.toString())
}

// Reference of this file: `HookUtils.java`, transformTimerMessage; `RecallMessageProcessor.java`.
test('a message comes at the time that it asks for, by any of the three properties', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  const begin = clock.now()
  await one.send('T', 'sec', { TIMER_DELAY_SEC: '3' })
  await one.send('T', 'ms', { TIMER_DELAY_MS: '1500', TIMER_DELIVER_MS: '1' })
  await one.send('T', 'at', { TIMER_DELIVER_MS: String(begin + 2_200) })
  await one.send('T', 'past', { TIMER_DELIVER_MS: String(begin) })
  assert.deepEqual(await bodies(one, 'T'), ['past'])
  assert.equal(context.store.offsetMax(TIMER_TOPIC, 0), 3)
  await passUntil(clock, 20, () => context.store.offsetMax('T', 0) === 4)
  const waited = clock.now() - begin
  assert.ok(waited >= 3_000 && waited <= 3_100, String(waited))
  const { body } = await one.pull('T', 1)
  const messages = decodeRecords(body ?? Buffer.alloc(0))
  assert.deepEqual(
    messages.map((each) => each.body.toString()),
    ['ms', 'at', 'sec'],
  )
  const properties = decodeProperties(messages[2]!.properties)
  assert.equal(properties.get(Property.TIMER_DELAY_SEC), '3')
  assert.equal(properties.get(Property.REAL_TOPIC), 'T')
  assert.ok(Number(properties.get(Property.TIMER_DEQUEUE_MS)) >= begin + 3_000)
})

test('a time too far off, or none at all, is refused', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  const far = await one.send('T', 'b', { TIMER_DELAY_SEC: String(4 * 24 * 3600) })
  assert.equal(far.code, ResponseCode.MESSAGE_ILLEGAL)
  assert.match(far.remark ?? '', /^timer message illegal, .* the max delay 259200000ms/)
  const odd = await one.send('T', 'b', { TIMER_DELAY_MS: 'soon' })
  assert.equal(odd.code, ResponseCode.MESSAGE_ILLEGAL)
})

test('without a wheel a message with a time is refused', async (t) => {
  const { peer } = await testBroker(t, { config: { timerWheelEnable: false } })
  const one = peer()
  const answer = await one.send('T', 'b', { TIMER_DELAY_SEC: '1' })
  assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
  assert.match(answer.remark ?? '', /timerWheelEnable is false/)
  assert.equal((await one.ask(GetTimerCheckPoint, {})).code, ResponseCode.SYSTEM_ERROR)
  assert.equal((await one.ask(GetTimerMetrics, {})).code, ResponseCode.SYSTEM_ERROR)
})

test('a level wins over a time', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b', { DELAY: '1', TIMER_DELAY_SEC: '60' })
  await passUntil(clock, 50, () => context.store.offsetMax('T', 0) === 1)
  const { body } = await one.pull('T', 0)
  const [message] = decodeRecords(body ?? Buffer.alloc(0))
  assert.equal(decodeProperties(message!.properties).has(Property.TIMER_DELAY_SEC), false)
})

test('a message is called back with the handle that its sender got', async (t) => {
  const config = { recallMessageEnable: true }
  const { peer, clock, context } = await testBroker(t, { config })
  const one = peer()
  const handles: string[] = []
  for (const body of ['kept', 'recalled']) {
    const sent = await one.send('T', body, { TIMER_DELAY_SEC: '5', UNIQ_KEY: `U-${body}` })
    handles.push(sent.header().recallHandle ?? '')
  }
  const recallHandle = handles[1] as string
  const recall = (topic: string, handle: string) =>
    one.ask(RecallMessage, { producerGroup: 'P', topic, recallHandle: handle })
  const answer = await recall('T', recallHandle)
  assert.equal(answer.code, 0)
  assert.equal(answer.header().msgId, 'U-recalled')
  await one.send('Other', 'b')
  assert.equal((await recall('Other', recallHandle)).code, ResponseCode.ILLEGAL_OPERATION)
  assert.equal((await recall('T', 'bm90aGluZw==')).code, ResponseCode.ILLEGAL_OPERATION)
  assert.equal((await recall('Unknown', recallHandle)).code, ResponseCode.TOPIC_NOT_EXIST)
  await passUntil(clock, 50, () => context.store.offsetMax('T', 0) === 1)
  for (let i = 0; i < 40; i++) {
    clock.advance(100)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(await bodies(one, 'T'), ['kept'])
  assert.equal((await recall('T', recallHandle)).code, ResponseCode.ILLEGAL_OPERATION)
})

test('calling back is forbidden unless the broker allows it', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  const sent = await one.send('T', 'b', { TIMER_DELAY_SEC: '5' })
  const recallHandle = sent.header().recallHandle ?? ''
  const answer = await one.ask(RecallMessage, { topic: 'T', recallHandle })
  assert.equal(answer.code, ResponseCode.NO_PERMISSION)
})

test('waiting messages are counted, and a slave can ask for the position of the wheel', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  for (let i = 0; i < 3; i++) await one.send('T', 'b', { TIMER_DELAY_SEC: '50' })
  await passUntil(clock, 20, () => context.store.timers?.progress().offsetBehind === 0)
  const metrics = await one.ask(GetTimerMetrics, {})
  assert.equal(timerMetricsBody.decode(metrics.body).timingCount.get('T')?.count, 3)
  const info = await one.ask(GetBrokerRuntimeInfo, {})
  const { table } = kvTableBody.decode(info.body)
  assert.equal(table.get('timerCongestNum'), '3')
  assert.equal(table.get('timerOffsetBehind'), '0')
  await passUntil(clock, 500, () => context.store.timers?.checkPoint.lastTimerQueueOffset === 3)
  const point = await one.ask(GetTimerCheckPoint, {})
  assert.equal(point.body?.length, 56)
  assert.equal(decodeTimerCheckPoint(point.body).lastTimerLogFlushPos, 3 * 52)
})

test('a slot that is full takes no more', async (t) => {
  const { peer, clock, context } = await testBroker(t, { config: { timerCongestNumEachSlot: 2 } })
  const one = peer()
  const at = { TIMER_DELIVER_MS: String(clock.now() + 30_000) }
  const count = () => context.store.offsetMax(TIMER_TOPIC, 0)
  // From the limit on chance decides, from twice the limit on nothing is taken.
  for (let i = 0; i < 500 && count() < 4; i++) {
    await one.send('T', 'b', at)
    await passUntil(clock, 20, () => context.store.timers?.progress().offsetBehind === 0)
  }
  assert.equal(count(), 4)
  const full = await one.send('T', 'b', at)
  assert.equal(full.code, ResponseCode.SYSTEM_ERROR)
  assert.match(full.remark ?? '', /^timer message is under flow control, max num limit is 4/)
})

test('calling back is not acknowledged where the log does not have it', async (t) => {
  const disk = memoryDisk(() => 0)
  let isFailing = false
  const open = disk.open.bind(disk)
  disk.open = (path, mode) => {
    const file = open(path, mode)
    const writeNow = file.writeNow.bind(file)
    file.writeNow = (data, position) => {
      if (isFailing && path.includes('/commitlog/')) {
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      }
      writeNow(data, position)
    }
    return file
  }
  const { peer } = await testBroker(t, { disk, config: { recallMessageEnable: true } })
  const one = peer()
  const sent = await one.send('T', 'b', { TIMER_DELAY_SEC: '5', UNIQ_KEY: 'U' })
  isFailing = true
  const recallHandle = sent.header().recallHandle ?? ''
  const answer = await one.ask(RecallMessage, { producerGroup: 'P', topic: 'T', recallHandle })
  assert.notEqual(answer.code, ResponseCode.SUCCESS)
  isFailing = false
})
