import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startServer } from '@skylarkmq/testing'
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

test('a key that is no text is refused: it would be that of all messages', async () => {
  const once = idempotent<Buffer, undefined>(() => undefined, {
    store: memoryStore(),
    key: (() => Promise.reject(new Error('later'))) as unknown as () => string,
  })
  await assert.rejects(once({} as never, {} as never), TypeError)
})

/** A database in memory, whose commit may be lost, or its answer. */
class Accounts implements TransactionStore<string[]> {
  readonly rows: string[] = []
  readonly states = new Map<string, 'done' | 'prevented'>()
  fails: 'before' | 'after' | undefined
  isAway = false

  async once(key: string, work: (tx: string[]) => Promise<void>): Promise<Once> {
    if (this.states.has(key)) return 'repeated'
    const written: string[] = []
    await work(written)
    if (this.fails === 'before') throw new Error('the database is gone before the commit')
    this.rows.push(...written)
    this.states.set(key, 'done')
    if (this.fails === 'after') throw new Error('the database is gone after the commit')
    return 'done'
  }

  wasDone(key: string): Promise<boolean> {
    if (this.isAway) return Promise.reject(new Error('away'))
    return Promise.resolve(this.states.get(key) === 'done')
  }

  prevent(key: string): Promise<boolean> {
    if (this.isAway) return Promise.reject(new Error('away'))
    if (!this.states.has(key)) this.states.set(key, 'prevented')
    return Promise.resolve(this.states.get(key) === 'prevented')
  }

  forget(): Promise<number> {
    return Promise.resolve(0)
  }
}

test('a message is there exactly if the work of its outbox was done, whatever fails', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const mq = server.client({ logger: SILENT })
  const store = new Accounts()
  await using box = await outbox(mq, { group: 'shop', store, giveUpMs: 0 })
  const order = (body: string) =>
    box.send({ topic: 'Orders', body }, (tx) => {
      tx.push(body)
      if (body === 'refused') return Promise.reject(new Error('no such customer'))
      return Promise.resolve()
    })
  await order('plain')
  await assert.rejects(order('refused'), /no such customer/)
  store.fails = 'before'
  await assert.rejects(order('lost'), /before the commit/)
  store.fails = 'after'
  await assert.rejects(order('kept'), /after the commit/)
  store.isAway = true
  await assert.rejects(order('unclear'), /after the commit/)
  store.isAway = false
  store.fails = undefined
  await server.clock.advance('2m')
  const sent = server.messages('Orders').map((message) => message.body.toString())
  assert.deepEqual(sent.sort(), [...store.rows].sort())
  assert.deepEqual(sent, ['kept', 'plain', 'unclear'])
})

test('work that was given up cannot be done behind it', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const mq = server.client({ logger: SILENT })
  const store = new Accounts()
  await using box = await outbox(mq, { group: 'shop', store, giveUpMs: 0 })
  let goOn = nothing
  const slow = box.send({ topic: 'Orders', body: 'slow' }, async () => {
    // Meanwhile the broker asks, and is told that it is not done and never will be.
    await new Promise<void>((resolve) => (goOn = resolve))
    throw new Error('its transaction fails, as the key is taken')
  })
  const failed = assert.rejects(slow, /key is taken/)
  await server.clock.advance('2m')
  goOn()
  await failed
  assert.deepEqual(server.messages('Orders'), [])
  assert.deepEqual([...store.states.values()], ['prevented'])
})
