import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { MessageLife, RocketMQ, TransactionDecision } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(2)
}

const trackOf = (life: MessageLife | undefined, group: string) =>
  life?.groups.find((each) => each.group === group)

async function consumed(mq: RocketMQ, group: string, tags: string, topic = 'T'): Promise<void> {
  let count = 0
  const subscriptions = { [topic]: tags }
  const consumer = await mq.consumer({ group, subscriptions, consumeFrom: 'first' })
  await consumer.run(() => {
    count++
  })
  await until(() => count > 0)
  await consumer.close()
}

for (const namespace of [undefined, 'ns']) {
  const where = namespace === undefined ? '' : ', in a namespace'
  const real = namespace === undefined ? 'T' : 'ns%T'

  test(`the life of a message shows which groups have consumed it, wait for it, or gave it up${where}`, async (t) => {
    const offsetsDirectory = mkdtempSync(path.join(tmpdir(), 'skylark-offsets-'))
    t.after(() => {
      rmSync(offsetsDirectory, { recursive: true })
    })
    await using server = await startServer({ topics: { [real]: 1 } })
    const mq = server.client({ logger: SILENT, ...(namespace === undefined ? {} : { namespace }) })
    const producer = await mq.producer()
    const { msgId } = await producer.send({ topic: 'T', tag: 'a', body: 'first' })
    await producer.send({ topic: 'T', tag: 'b', body: 'second' })
    const { messages, groups } = mq.admin()
    assert.equal(await messages.life('T', '0'.repeat(32)), undefined)
    await consumed(mq, 'all', '*')
    const failing = await mq.consumer({
      group: 'failing',
      subscriptions: { T: 'a' },
      consumeFrom: 'first',
    })
    await failing.run((_, context) => {
      context.deadLetter()
    })
    const other = await mq.consumer({
      group: 'other',
      subscriptions: { T: 'b' },
      consumeFrom: 'first',
    })
    await other.run(nothing)
    const broadcast = await mq.consumer({
      group: 'broadcast',
      subscriptions: { T: '*' },
      model: 'BROADCASTING',
      offsetsDirectory,
    })
    await broadcast.run(nothing)
    const slow = await mq.consumer({
      group: 'slow',
      subscriptions: { T: '*' },
      consumeFrom: 'first',
      concurrency: 1,
    })
    let go = nothing
    await slow.run(() => new Promise<void>((resolve) => (go = resolve)))
    // Offsets are told with the next pull, or some seconds later.
    await until(async () => trackOf(await messages.life('T', msgId), 'other')?.track === 'filtered')
    await until(async () => trackOf(await messages.life('T', msgId), 'failing')?.isDead === true)
    const life = await messages.life('T', msgId)
    assert.equal(life?.message.body.toString(), 'first')
    assert.deepEqual(trackOf(life, 'all'), {
      group: 'all',
      track: 'consumed',
      retries: 0,
      isDead: false,
    })
    assert.equal(trackOf(life, 'other')?.isDead, false)
    const slowly = trackOf(life, 'slow')
    assert.ok(slowly === undefined || slowly.track === 'waiting')
    const rows = await groups.subscriptions()
    assert.deepEqual(
      rows.map(({ group, topic, expression, members, differing }) => [
        group,
        topic,
        expression,
        members,
        differing.length,
      ]),
      [
        ['broadcast', 'T', '*', 1, 0],
        ['failing', 'T', 'a', 1, 0],
        ['other', 'T', 'b', 1, 0],
        ['slow', 'T', '*', 1, 0],
      ],
    )
    go()
  })

  test(`open transactions are listed until they are decided${where}`, async () => {
    await using server = await startServer({ topics: { [real]: 1 } })
    const mq = server.client({ logger: SILENT, ...(namespace === undefined ? {} : { namespace }) })
    const { transactions } = mq.admin()
    assert.deepEqual(await transactions.open(), [])
    const producer = await mq.transactionProducer({ group: 'shop', check: () => 'unknown' })
    const decisions: TransactionDecision[] = ['commit', 'unknown', 'rollback', 'unknown']
    const ids: string[] = []
    for (const decision of decisions) {
      const sent = await producer.send({ topic: 'T', body: decision }, () => decision)
      if (decision === 'unknown') ids.push(sent.msgId)
    }
    await until(async () => (await transactions.open()).length === 2)
    const open = await transactions.open()
    assert.deepEqual(
      open.map(({ msgId }) => msgId),
      ids,
    )
    assert.deepEqual(
      open.map(({ topic, producerGroup, checkTimes }) => [topic, producerGroup, checkTimes]),
      [
        ['T', 'shop', 0],
        ['T', 'shop', 0],
      ],
    )
    assert.equal((await transactions.open({ max: 1 })).length, 1)
    await assert.rejects(transactions.open({ max: 0 }), { code: 'RMQ_OPTION' })
  })
}

test('members of a group that want different things are named', async () => {
  await using server = await startServer({ topics: { T: 1, U: 1 } })
  const clients = ['one', 'two'].map((clientId) => server.client({ logger: SILENT, clientId }))
  for (const [i, mq] of clients.entries()) {
    const subscriptions: Record<string, string> = i === 0 ? { T: 'a' } : { T: 'b', U: '*' }
    const consumer = await mq.consumer({ group: 'torn', subscriptions })
    await consumer.run(nothing)
  }
  const rows = (await clients[0]?.admin().groups.subscriptions('torn')) ?? []
  const ofT = rows.find(({ topic }) => topic === 'T')
  assert.equal(ofT?.members, 2)
  // The broker knows what came last.
  assert.equal(ofT.expression, 'b')
  assert.deepEqual(ofT.differing, [{ clientId: 'one', expression: 'a' }])
  const ofU = rows.find(({ topic }) => topic === 'U')
  assert.deepEqual(ofU?.differing, [{ clientId: 'one', expression: undefined }])
  assert.deepEqual(await clients[0]?.admin().groups.subscriptions('nobody'), [])
})

test('delayed messages are counted by topic and by level, and a recall handle can be read', async () => {
  await using server = await startServer({
    topics: { T: 1 },
    settings: { recallMessageEnable: true },
  })
  const mq = server.client({ logger: SILENT })
  const { delayed } = mq.admin()
  const waiting = async () => {
    const [broker] = await delayed.waiting()
    return [broker?.timed?.get('T') ?? 0, broker?.byLevel.get(18) ?? 0]
  }
  assert.deepEqual(await waiting(), [0, 0])
  const producer = await mq.producer()
  const deliverAt = Date.now() + 3_600_000
  const { recallHandle = '', msgId } = await producer.send({ topic: 'T', body: 'x', deliverAt })
  await producer.send({ topic: 'T', body: 'y', delayLevel: 18 })
  await until(async () => (await waiting()).every((count) => count === 1))
  const info = delayed.readRecallHandle(recallHandle)
  assert.deepEqual([info.topic, info.msgId], ['T', msgId])
  assert.ok(Math.abs(info.dueTimestamp - deliverAt) <= 1_000)
  for (const wrong of [
    '',
    'x',
    17 as unknown as string,
    Buffer.from('v1 a b c d').toString('base64'),
  ])
    assert.throws(() => delayed.readRecallHandle(wrong), { code: 'RMQ_OPTION' })
})
