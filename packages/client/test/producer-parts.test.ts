import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { decodeBatch, parseProperties, type MessageQueue } from '@skylarkmq/protocol'
import { levelFor } from '../src/consumer/delay-level.ts'
import { durationMs } from '../src/duration.ts'
import { ConnectError, OptionError, type SendAttempt } from '../src/errors.ts'
import { Away } from '../src/producer/away.ts'
import { BrokerLatency } from '../src/producer/broker-latency.ts'
import { prepareBatches } from '../src/producer/encode-batch.ts'
import { InFlightBytes } from '../src/producer/in-flight-bytes.ts'
import { nearNames } from '../src/route/near-names.ts'

test('a length of time is ms or text, and what is neither is refused by name', () => {
  const good: [string | number, number][] = [
    [0, 0],
    [1500, 1500],
    ['250ms', 250],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
  ]
  for (const [text, ms] of good) assert.equal(durationMs(text, 'delay'), ms)
  for (const wrong of ['', '10', 'm', '-1s', '1 week', NaN, -1]) {
    assert.throws(() => durationMs(wrong, 'delay'), OptionError, String(wrong))
  }
})

test('a delay is that of the first level which is not shorter', () => {
  assert.equal(levelFor(1), 1)
  assert.equal(levelFor(1_001), 2)
  assert.equal(levelFor(30_000), 4)
  assert.equal(levelFor(2 * 3_600_000), 18)
  assert.equal(levelFor(1e12), 18)
})

// Reference: `MQFaultStrategy.java`, latencyMax and notAvailableDuration.
test('a broker that was slow is left alone for as long as Apache leaves it, one that failed for ten seconds', () => {
  let now = 0
  const clock = { ...nodeEnv(silentEvents).clock, monotonic: () => now }
  const latency = new BrokerLatency(clock)
  const outMs = (tookMs: number): number => {
    now = 0
    latency.answered('b', tookMs)
    while (!latency.isAvailable('b')) now += 500
    return now
  }
  const took = [0, 549, 550, 1_800, 3_000, 5_000, 15_000]
  assert.deepEqual(took.map(outMs), [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000])
  now = 0
  latency.failed('b')
  now = 9_999
  assert.ok(!latency.isAvailable('b'))
  assert.ok(latency.isAvailable('other'))
})

test('bytes in flight are bounded, waiters are served in order, and one that is too large goes alone', async () => {
  const inFlight = new InFlightBytes(100)
  assert.ok(inFlight.take(60))
  assert.ok(!inFlight.take(60))
  const order: string[] = []
  const second = inFlight.wait(60)
  const third = inFlight.wait(10)
  void second.room.then(() => order.push('second'))
  void third.room.then(() => order.push('third'))
  assert.ok(!inFlight.take(1), 'nobody passes who waits')
  inFlight.release(60)
  await third.room
  assert.deepEqual(order, ['second', 'third'])
  const given = inFlight.wait(200)
  assert.ok(given.giveUp())
  assert.ok(!given.giveUp())
  inFlight.release(70)
  assert.ok(inFlight.take(1000))
  assert.ok(!inFlight.take(1))
})

test('a waiter that gives up does not block those behind it, however many do', async () => {
  const inFlight = new InFlightBytes(100)
  assert.ok(inFlight.take(60))
  const large = inFlight.wait(100)
  const small = inFlight.wait(40)
  assert.ok(large.giveUp())
  await small.room
  assert.ok(!small.giveUp())
  const many = Array.from({ length: 30_000 }, () => inFlight.wait(1))
  assert.ok(many.slice(0, -1).every(({ giveUp }) => giveUp()))
  assert.ok(!inFlight.take(1), 'the last one still waits')
  inFlight.release(60)
  await many.at(-1)?.room
  assert.ok(inFlight.take(59))
  assert.ok(!inFlight.take(1))
})

test('a batch is split into parts that fit, in order, and none is empty', () => {
  const messages = Array.from({ length: 100 }, (_, i) => ({
    topic: 'T',
    body: 'x'.repeat(10 * i + 1),
    keys: ['some', 'keys'],
    properties: { name: 'välue' },
  }))
  const limits = { compressOverBytes: 4096, maxMessageBytes: 4_000 }
  const id = '0123456789ABCDEF0123456789ABCDEF'
  const parts = prepareBatches(messages, () => id, limits)
  assert.ok(parts.length > 10)
  const bodies = parts.map(({ body }) => decodeBatch(Buffer.from(body)))
  assert.deepEqual(
    bodies.flat().map(({ body }) => body.toString()),
    messages.map(({ body }) => body),
  )
  for (const [at, { body, msgIds }] of parts.entries()) {
    assert.equal(msgIds.length, bodies[at]?.length)
    assert.ok(msgIds.length > 0 && body.length <= 4_000)
  }
  const properties = parseProperties(bodies[0]?.[0]?.properties.toString() ?? '')
  assert.equal(properties.get('name'), 'välue')
  const large = { topic: 'T', body: 'x'.repeat(3_990) }
  assert.throws(() => prepareBatches([large], () => id, limits), /the body takes/)
})

test('names that may have been meant differ by a few letters or by case, the nearest first', () => {
  const topics = ['TopicTest', 'topictest', 'Orders', 'TopicTest2', 'OrdersPaid']
  assert.deepEqual(nearNames('TopicTset', topics), ['TopicTest', 'topictest', 'TopicTest2'])
  assert.deepEqual(nearNames('orders', topics), ['Orders'])
  assert.deepEqual(nearNames('Payments', topics), [])
})

test('a send leaves brokers alone that it did not reach while another is left, whatever the route becomes', () => {
  const queues = ['a', 'b', 'c'].map((brokerName) => ({ topic: 'T', brokerName, queueId: 0 }))
  const names = (list: readonly MessageQueue[]): string[] => list.map((each) => each.brokerName)
  const refusal = (brokerName: string): SendAttempt => {
    const error = new ConnectError({ address: `${brokerName}:1`, reason: 'ECONNREFUSED' })
    return { brokerName, address: `${brokerName}:1`, elapsedMs: 1, error }
  }
  const away = new Away()
  const attempts: SendAttempt[] = []
  assert.deepEqual(names(away.left(queues, queues)), ['a', 'b', 'c'])
  assert.equal(away.refused(refusal('a'), attempts, queues), 0)
  assert.deepEqual(names(away.left(queues, queues)), ['b', 'c'])
  assert.equal(away.refused(refusal('b'), attempts, queues), 0)
  // Of c nothing came before: it is tried when there is no other.
  assert.deepEqual(names(away.left(queues.slice(0, 2), queues)), ['c'])
  // The route has lost c since.
  assert.deepEqual(names(away.left(queues.slice(0, 2), queues.slice(0, 2))), ['a', 'b'])
  assert.ok(away.refused(refusal('c'), attempts, queues) > 0)
  assert.deepEqual(names(away.left(queues, queues)), ['a', 'b', 'c'])
  assert.deepEqual(
    attempts.map(({ brokerName }) => brokerName),
    ['a', 'b', 'c'],
  )
})
