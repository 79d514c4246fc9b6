import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startServer, type TestServer } from '@skylarkmq/testing'
import type { ConsumeContext } from '@skylarkmq/client'
import { idempotent, memoryStore, outbox, type Once, type TransactionStore } from '../src/index.ts'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

test('what is sent twice takes effect once, and what failed is tried again', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer()
  for (const body of ['7', '8', '7', '7'])
    await producer.send({ topic: 'Orders', body, keys: body })
  const consumer = await mq.consumer({
    group: 'billing',
    subscriptions: { Orders: '*' },
    consumeFrom: 'first',
  })
  const billed: string[] = []
  let tries = 0
  await consumer.run(
    idempotent(
      (message) => {
        if (++tries === 1) throw new Error('the first one fails')
        billed.push(message.body.toString())
      },
      { store: memoryStore(), key: ({ keys }) => keys[0] ?? '' },
    ),
  )
  await until(() => tries > 0)
  await server.clock.advance('1m')
  assert.deepEqual(billed.sort(), ['7', '8'])
})

for (const ordered of [false, true]) {
  test(`a message that somebody else works on waits, and that counts as no attempt${ordered ? ', in order' : ''}`, async () => {
    await using server = await startServer({ topics: { T: 1 } })
    const mq = server.client({ logger: SILENT })
    let calls = 0
    const store = {
      once: async (_key: string, work: (tx: undefined) => Promise<void>): Promise<Once> => {
        if (++calls <= 20) return 'busy'
        await work(undefined)
        return 'done'
      },
      forget: () => Promise.resolve(0),
    }
    const consumer = await mq.consumer({
      ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first', ordered },
      maxReconsumeTimes: 1,
    })
    const done: number[] = []
    await consumer.run(
      idempotent(({ reconsumeTimes }) => done.push(reconsumeTimes), { store, busyDelay: 1 }),
    )
    await (await mq.producer()).send({ topic: 'T', body: 'one' })
    await until(() => done.length > 0)
    assert.deepEqual([calls, done], [21, [0]])
    assert.deepEqual([...server.messages('%RETRY%g'), ...server.messages('%DLQ%g')], [])
  })
}

test('a message that its handler puts back or gives up has not taken effect', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer()
  for (const body of ['retryIn', 'hold', 'deadLetter', 'left']) {
    await producer.send({ topic: 'T', body })
  }
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first' },
  })
  const store = memoryStore()
  const calls: string[] = []
  const effects: string[] = []
  await consumer.run(
    idempotent(
      (message, context) => {
        const how = message.body.toString()
        const isFirst = !calls.includes(how)
        calls.push(how)
        if (!isFirst || how === 'left') effects.push(how)
        else if (how === 'deadLetter') context.deadLetter('not yet')
        else if (how === 'retryIn') context.retryIn('1s')
        else context.hold(1)
      },
      { store, key: ({ body }) => body.toString() },
    ),
  )
  await until(() => effects.includes('hold'))
  await server.clock.advance('10s')
  await until(() => effects.includes('retryIn'))
  assert.equal(server.messages('%DLQ%g').length, 1)
  // Whoever sends the dead letter again has it take effect.
  await mq.admin().deadLetters.replay('g')
  await until(() => effects.includes('deadLetter'))
  assert.deepEqual(effects.sort(), ['deadLetter', 'hold', 'left', 'retryIn'])
})

test('a key that is not text is refused: it would be the same for all messages', async () => {
  const once = idempotent(() => undefined, {
    store: memoryStore(),
    key: (() => Promise.reject(new Error('later'))) as unknown as () => string,
  })
  await assert.rejects(once({} as never, {} as never), TypeError)
})

interface Row {
  readonly id: string
  readonly message: string
  due: number
}
/** A transaction in memory. */
interface Tx {
  readonly orders: string[]
  readonly kept: Row[]
}

/** A database in memory, whose commit may be lost, or its answer. */
class Accounts implements TransactionStore<Tx> {
  readonly orders: string[] = []
  kept: Row[] = []
  fails: 'before' | 'after' | undefined
  /** Its clock, ms. */
  now = 0

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const tx: Tx = { orders: [], kept: [] }
    const result = await work(tx)
    if (this.fails === 'before') throw new Error('the database is gone before the commit')
    this.orders.push(...tx.orders)
    this.kept.push(...tx.kept)
    if (this.fails === 'after') throw new Error('the database is gone after the commit')
    return result
  }

  async once(_key: string, work: (tx: Tx) => Promise<void>): Promise<Once> {
    await this.transaction(work)
    return 'done'
  }

  keep(tx: Tx, id: string, message: string, dueMs: number): Promise<void> {
    tx.kept.push({ id, message, due: this.now + dueMs })
    return Promise.resolve()
  }

  take(max: number, againMs: number) {
    const taken = this.kept.filter(({ due }) => due <= this.now).slice(0, max)
    for (const each of taken) each.due = this.now + againMs
    return Promise.resolve(taken.map(({ id, message }) => ({ id, message })))
  }

  sent(id: string): Promise<void> {
    this.kept = this.kept.filter((each) => each.id !== id)
    return Promise.resolve()
  }

  forget(): Promise<number> {
    return Promise.resolve(0)
  }
}

const bodies = (server: TestServer): string[] =>
  server.messages('Orders').map((message) => message.body.toString())

test('a message is there exactly if the work of its outbox was done, whatever fails', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const mq = server.client({ logger: SILENT })
  const store = new Accounts()
  await using box = await outbox(mq, { group: 'shop', store, logger: SILENT })
  const order = (body: string) =>
    box.send({ topic: 'Orders', body }, (tx) => {
      tx.orders.push(body)
      if (body === 'refused') throw new Error('no such customer')
    })
  assert.equal((await order('plain'))?.status, 'SEND_OK')
  await assert.rejects(order('refused'), /no such customer/)
  store.fails = 'before'
  await assert.rejects(order('lost'), /before the commit/)
  store.fails = 'after'
  await assert.rejects(order('kept'), /after the commit/)
  store.fails = undefined
  assert.deepEqual(bodies(server), ['plain'])
  // What the database kept though it did not say so is sent from the table.
  store.now += 60_000
  assert.equal(await box.flush(), 1)
  assert.deepEqual(bodies(server), ['plain', 'kept'])
  assert.deepEqual(store.orders, ['plain', 'kept'])
  assert.deepEqual(store.kept, [])
  await assert.rejects(
    box.send({ topic: 'a b', body: 'x' }, () => assert.fail()),
    {
      code: 'RMQ_MESSAGE',
    },
  )
})

test('what no broker took is sent from the table by whoever comes next, however long after, under its id', async () => {
  await using server = await startServer({
    topics: { Orders: 1 },
    settings: { transactionCheckMax: 1, transactionCheckInterval: 1000 },
  })
  const store = new Accounts()
  const first = server.client({ logger: SILENT })
  const box = await outbox(first, { store, sendTimeoutMs: 200, retryTimes: 0, logger: SILENT })
  await server.broker.stop()
  const sent = await box.send({ topic: 'Orders', body: 'x' }, (tx) => tx.orders.push('x'))
  assert.equal(sent, undefined)
  assert.deepEqual(store.orders, ['x'])
  const [row] = store.kept
  // Its only producer is gone, and stays away for longer than any broker asks.
  await first.close()
  await server.broker.start()
  await server.clock.advance('1d')
  assert.deepEqual(bodies(server), [])
  store.now += 86_400_000
  await using next = await outbox(server.client({ logger: SILENT }), { store, logger: SILENT })
  await until(() => store.kept.length === 0)
  assert.deepEqual(bodies(server), ['x'])
  assert.equal(server.messages('Orders')[0]?.msgId, row?.id)
  assert.equal(await next.flush(), 0)
})

test('a message may be added to a transaction of one’s own, and goes out once that is committed', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const store = new Accounts()
  const mq = server.client({ logger: SILENT })
  await using box = await outbox(mq, { store, logger: SILENT })
  const ids: string[] = []
  await store.transaction(async (tx) => {
    tx.orders.push('a')
    ids.push(await box.add({ topic: 'Orders', body: 'a', shardingKey: 'k' }, tx))
    assert.equal(await box.flush(), 0)
  })
  const undone = store.transaction(async (tx) => {
    await box.add({ topic: 'Orders', body: 'b' }, tx)
    throw new Error('rolled back')
  })
  await assert.rejects(undone, /rolled back/)
  assert.equal(await box.flush(), 1)
  assert.deepEqual(
    server.messages('Orders').map(({ msgId, body }) => [msgId, body.toString()]),
    [[ids[0], 'a']],
  )
})

test('what is taken, written and sent is one transaction: a message that is put back has done none of it', async () => {
  await using server = await startServer({ topics: { Orders: 1, Next: 1 } })
  const mq = server.client({ logger: SILENT })
  const store = memoryStore()
  // It looks for what waits by itself so seldom that only who commits can tell it.
  await using box = await outbox(mq, { store, logger: SILENT, resendMs: 86_400_000 })
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { Orders: '*' }, consumeFrom: 'first', ordered: true },
    suspendCurrentQueueMs: 10,
  })
  const written: string[] = []
  const troubles: ((context: ConsumeContext) => unknown)[] = [
    () => {
      throw new Error('not yet')
    },
    (context) => {
      context.retryIn(10)
    },
    (context) => {
      context.hold(1)
    },
  ]
  await consumer.run(
    idempotent(
      async ({ body }, context, tx) => {
        tx.onCommit(() => written.push(body.toString()))
        await box.add({ topic: 'Next', body: `after ${body.toString()}` }, tx)
        troubles.shift()?.(context)
      },
      { store, key: ({ keys }) => keys[0] ?? '', outbox: box },
    ),
  )
  const producer = await mq.producer()
  // The second and the third are one order.
  for (const body of ['1', '2', '2']) {
    await producer.send({ topic: 'Orders', body, keys: body, shardingKey: 'k' })
  }
  await server.quiet()
  for (let i = 0; i < 10; i++) await server.clock.advance('1s')
  await until(() => server.messages('Next').length === 2)
  assert.deepEqual(written, ['1', '2'])
  assert.deepEqual(
    server.messages('Next').map(({ body }) => body.toString()),
    ['after 1', 'after 2'],
  )
  assert.equal(troubles.length, 0)
})

test('to flush is to send what was committed before, also while an earlier flush is under way', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const store = new Accounts()
  const mq = server.client({ logger: SILENT })
  await using box = await outbox(mq, { store, logger: SILENT })
  const add = (body: string) =>
    store.transaction((tx) => box.add({ topic: 'Orders', body }, tx).then(() => undefined))
  await add('a')
  const first = box.flush()
  await add('b')
  const counts = await Promise.all([first, box.flush(), box.flush()])
  assert.deepEqual(bodies(server), ['a', 'b'])
  assert.deepEqual(counts.slice(1), [1, 1])
})

test('a message of an outbox may wait, and a signal ends the work before its end', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const store = new Accounts()
  const mq = server.client({ logger: SILENT })
  await using box = await outbox(mq, { store, logger: SILENT })
  await box.send({ topic: 'Orders', body: 'later', delay: '1h' }, () => undefined)
  await server.clock.advance('58m')
  assert.deepEqual(bodies(server), [])
  await server.clock.advance('3m')
  assert.deepEqual(bodies(server), ['later'])
  const ends = new AbortController()
  const ended = box.send(
    { topic: 'Orders', body: 'never' },
    (tx) => {
      tx.orders.push('never')
      ends.abort(new Error('enough'))
    },
    { signal: ends.signal },
  )
  await assert.rejects(ended, /enough/)
  assert.deepEqual([store.orders, store.kept], [[], []])
})

test('a message that no broker will ever take does not hold up those behind it', async () => {
  await using server = await startServer({
    topics: { Orders: 1 },
    settings: { autoCreateTopicEnable: false },
  })
  const store = new Accounts()
  const mq = server.client({ logger: SILENT })
  await using box = await outbox(mq, { store, logger: SILENT })
  await store.transaction(async (tx) => {
    await box.add({ topic: 'Nowhere', body: 'x' }, tx)
    await box.add({ topic: 'Orders', body: 'y' }, tx)
  })
  assert.equal(await box.flush(), 1)
  assert.deepEqual(bodies(server), ['y'])
  assert.equal(store.kept.length, 1)
})
