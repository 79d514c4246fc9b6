import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { nodeEnv, silentEvents, type EventDefinition } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import { encodeBatch, encodeProperties } from '@skylarkmq/protocol'
import { isFull, type FlowLimits } from '../src/consumer/flow-control.ts'
import { CallLimit } from '../src/consumer/call-limit.ts'
import { ConsumeConcurrently } from '../src/consumer/consume-concurrently.ts'
import type { MessageListener } from '../src/consumer/consuming.ts'
import { Held, ProcessQueue } from '../src/consumer/process-queue.ts'
import { pulledOf, type PulledMessage } from '../src/consumer/pulled-message.ts'
import { ReceivedBodies } from '../src/received-bodies.ts'
import { takenApart, type ReceivedMessage } from '../src/message.ts'
import { UserContext } from '../src/user-code.ts'

const QUEUE = { topic: 'T', brokerName: 'b', queueId: 0 }

function message(queueOffset: number): ReceivedMessage {
  return {
    topic: 'T',
    body: Buffer.from(`body ${queueOffset}`),
    tag: undefined,
    keys: [],
    properties: new Map(),
    msgId: `id-${queueOffset}`,
    shardingKey: undefined,
    offsetMsgId: '',
    messageQueue: QUEUE,
    queueOffset,
    physicalOffset: queueOffset * 100,
    bornTimestamp: 0,
    storeTimestamp: 0,
    bornHost: '',
    storeHost: '',
    reconsumeTimes: 0,
    flag: 0,
    sysFlag: 0,
    storeSize: 100,
  }
}

const messages = (...offsets: number[]): PulledMessage[] =>
  offsets.map((offset) => pulledOf(message(offset)))

// Reference: `ProcessQueue.java`, removeMessage.
test('the offset moves to the first message that is not done, whatever the order', () => {
  const queue = new ProcessQueue(QUEUE, 5)
  queue.put(messages(5, 6, 8))
  queue.done(message(6))
  assert.equal(queue.commitOffset, 5)
  queue.done(message(5))
  assert.equal(queue.commitOffset, 8)
  queue.done(message(8))
  assert.equal(queue.commitOffset, 9)
  assert.equal(queue.bytes, 0)
})

test('a pull that found nothing moves the offset only when nothing is left to consume', () => {
  const queue = new ProcessQueue(QUEUE, 0)
  queue.skippedTo(3)
  assert.equal(queue.commitOffset, 3)
  queue.put(messages(3))
  queue.skippedTo(10)
  assert.equal(queue.commitOffset, 3)
})

test('a queue that was given up moves its offset no more', () => {
  const queue = new ProcessQueue(QUEUE, 0)
  queue.put(messages(0))
  queue.drop()
  queue.done(message(0))
  assert.equal(queue.commitOffset, undefined)
})

test('a queue is full by count, by bytes and by span, each alone, and by what all hold once it has its share', async () => {
  const held = new Held()
  const queue = new ProcessQueue(QUEUE, 0, held)
  queue.put(messages(0, 50))
  const all = { countOfAll: 100, bytesOfAll: 1_000, share: 2 }
  const limits = { count: 10, bytes: 1000, span: 100, ...all }
  const full = (some: Partial<FlowLimits>): boolean => isFull(queue, held, { ...limits, ...some })
  assert.ok(!full({}))
  assert.ok(full({ count: 1 }))
  assert.ok(full({ bytes: 10 }))
  assert.ok(full({ span: 49 }))
  const other = new ProcessQueue(QUEUE, 0, held)
  other.put(messages(1, 2, 3))
  assert.deepEqual([held.count, held.bytes], [5, queue.bytes + other.bytes])
  assert.ok(full({ countOfAll: 5 }))
  assert.ok(!full({ countOfAll: 5, share: 3 }), 'it has less than a pull brings')
  assert.ok(full({ bytesOfAll: held.bytes }))
  const room = queue.untilRoom(() => !full({ countOfAll: 4, share: 1 }))
  other.drop()
  assert.deepEqual([held.count, held.bytes], [2, queue.bytes])
  queue.done(message(0))
  await room
  queue.done(message(50))
  assert.ok(!full({ bytesOfAll: 0 }), 'an empty queue may always pull')
  const never = queue.untilRoom(() => false)
  queue.drop()
  await never
  assert.deepEqual([held.count, held.bytes], [0, 0])
})

/** Consumes with a listener; `sentBack` collects what was given back, and events are named. */
function consuming(
  listener: MessageListener,
  options: { accepts?: boolean; counted?: () => void } = {},
) {
  const clock = manualClock()
  const sentBack: number[] = []
  const seen: string[] = []
  const events = { emit: (definition: EventDefinition) => void seen.push(definition.name) }
  const env = { ...nodeEnv(silentEvents), clock, events }
  const consume = new ConsumeConcurrently({
    env,
    bodies: new ReceivedBodies(env),
    group: 'G',
    listener,
    concurrency: 2,
    counted: options.counted ?? (() => undefined),
    limit: new CallLimit(env.clock, 900_000),
    context: new UserContext(),
    sendBack: (each) => {
      sentBack.push(each.queueOffset)
      return Promise.resolve(options.accepts ?? true)
    },
  })
  const queue = new ProcessQueue(QUEUE, 0)
  const submit = (...offsets: number[]): void => {
    queue.put(messages(...offsets))
    consume.submit(queue, messages(...offsets))
  }
  return { consume, queue, clock, sentBack, seen, submit }
}

test('no more listeners run at once than the concurrency', async () => {
  let running = 0
  let most = 0
  const release: (() => void)[] = []
  const { submit, queue } = consuming(async () => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => release.push(resolve))
    running--
  })
  submit(0, 1, 2, 3, 4)
  for (let i = 0; i < 5; i++) {
    await turn()
    release.shift()?.()
  }
  await turn()
  assert.equal(most, 2)
  assert.equal(queue.commitOffset, 5)
})

test('a message answered with later, and one that the listener throws on, are given back', async () => {
  const { submit, sentBack, seen, queue } = consuming(({ queueOffset }) => {
    if (queueOffset === 1) return 'later'
    if (queueOffset === 2) throw new Error('no')
    return 'success'
  })
  submit(0, 1, 2)
  await turn()
  assert.deepEqual(sentBack, [1, 2])
  assert.deepEqual(seen, ['client.listener.failed'])
  assert.equal(queue.commitOffset, 3)
})

test('a message that cannot be given back is consumed again here after 5 s, and its offset waits', async () => {
  const tries: number[] = []
  const listener: MessageListener = ({ reconsumeTimes }) => {
    tries.push(reconsumeTimes)
    return reconsumeTimes === 0 ? 'later' : 'success'
  }
  const { submit, queue, clock } = consuming(listener, { accepts: false })
  submit(0)
  await turn()
  clock.advance(4_999)
  await turn()
  assert.deepEqual(tries, [0])
  assert.equal(queue.commitOffset, undefined)
  clock.advance(1)
  await turn()
  assert.deepEqual(tries, [0, 1])
  assert.equal(queue.commitOffset, 1)
})

test('a message that is held is tried again here, counts as no attempt, and keeps no place', async () => {
  const tries: number[] = []
  const listener: MessageListener = ({ queueOffset, reconsumeTimes }) => {
    if (queueOffset > 1) return 'success'
    tries.push(reconsumeTimes)
    return tries.length < 5 ? { holdMs: 100 } : 'success'
  }
  const { submit, queue, clock, sentBack } = consuming(listener)
  submit(0, 1, 2)
  await turn()
  assert.equal(queue.count, 2)
  for (let i = 0; i < 3; i++) {
    clock.advance(100)
    await turn()
  }
  assert.deepEqual(new Set(tries), new Set([0]))
  assert.deepEqual(sentBack, [])
  assert.equal(queue.commitOffset, 3)
})

test('a message that is held for fifteen minutes is sent back, so that its queue can continue', async () => {
  const { submit, queue, clock, sentBack } = consuming(() => ({ holdMs: 60_000 }))
  submit(0)
  for (let i = 0; i < 15; i++) {
    await turn()
    assert.deepEqual([sentBack, queue.commitOffset], [[], undefined])
    clock.advance(60_000)
  }
  await turn()
  assert.deepEqual([sentBack, queue.commitOffset], [[0], 1])
})

test('a message whose listener never ends is given back after a while, and frees its place', async () => {
  const ended: ((said: 'success') => void)[] = []
  const { submit, queue, clock, sentBack, seen } = consuming(({ queueOffset }) =>
    queueOffset < 2 ? new Promise((resolve) => ended.push(resolve)) : 'success',
  )
  submit(0, 1, 2)
  await turn()
  clock.advance(899_999)
  await turn()
  assert.deepEqual([sentBack, queue.commitOffset], [[], undefined])
  clock.advance(1)
  await turn()
  await turn()
  assert.deepEqual(sentBack, [0, 1])
  assert.deepEqual(seen, ['client.listener.slow', 'client.listener.slow'])
  assert.equal(queue.commitOffset, 3)
  // What comes too late counts no more.
  for (const end of ended) end('success')
  await turn()
  assert.equal(sentBack.length, 2)
})

test('after close nothing is started, and close waits for what runs', async () => {
  let started = 0
  let release: () => void = () => undefined
  const { submit, consume } = consuming(async () => {
    started++
    await new Promise<void>((resolve) => (release = resolve))
  })
  submit(0)
  let isClosed = false
  const closing = consume.close().then(() => (isClosed = true))
  submit(1)
  await turn()
  assert.equal(isClosed, false)
  release()
  await closing
  assert.equal(started, 1)
})

test('what goes wrong beside the listener fails the message, and nothing stands still', async () => {
  for (const listener of [() => undefined, () => Promise.resolve()]) {
    const { submit, queue, sentBack, seen } = consuming(listener, {
      counted: () => {
        throw new RangeError('no room to count')
      },
    })
    submit(0, 1, 2, 3)
    for (let i = 0; i < 5; i++) await turn()
    assert.deepEqual(sentBack, [0, 1, 2, 3])
    assert.equal(queue.commitOffset, 4)
    assert.ok(seen.includes('client.background.failed'), seen.join())
  }
})

test('synchronous listeners yield to the rest of the process after some time', async () => {
  const seen: number[] = []
  const { submit, clock } = consuming(({ queueOffset }) => {
    seen.push(queueOffset)
    clock.advance(4)
  })
  submit(...Array.from({ length: 7 }, (_, i) => i))
  await Promise.resolve()
  assert.deepEqual(seen, [0, 1, 2])
  await turn()
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5])
  await turn()
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6])
})

// Reference: `MessageDecoder.java`, decodeMessage.
test('a batch that is one record is taken apart, from the offset on that was asked for', () => {
  const body = encodeBatch(
    ['a', 'b', 'c'].map((text) => ({
      flag: 0,
      body: Buffer.from(text),
      properties: encodeProperties({ TAGS: text, KEYS: `key-${text}`, UNIQ_KEY: `id-${text}` }),
    })),
  )
  const record = { ...message(7), body, sysFlag: 192 }
  assert.deepEqual(
    takenApart(record, 8).map((each) => [
      each.body.toString(),
      each.queueOffset,
      each.tag,
      each.keys,
      each.msgId,
      each.sysFlag,
    ]),
    [
      ['b', 8, 'b', ['key-b'], 'id-b', 0],
      ['c', 9, 'c', ['key-c'], 'id-c', 0],
    ],
  )
  assert.deepEqual(takenApart(message(3), 8), [message(3)])
})
