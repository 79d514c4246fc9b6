import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CheckClientConfig,
  checkClientRequestBody,
  decodeRecords,
  HeartBeat,
  heartbeatDataBody,
  parseSubscription,
  ResponseCode,
  retryTopic,
} from '@skylarkmq/protocol'
import { passUntil, testBroker, until, type Peer } from './support/broker.ts'

const bodies = (body: Buffer | undefined): string[] =>
  decodeRecords(body ?? Buffer.alloc(0)).map((each) => each.body.toString())
const filtering = { config: { enablePropertyFilter: true } }
const NEXT_TURNS = 5

async function turns(): Promise<void> {
  for (let i = 0; i < NEXT_TURNS; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A pull from 0 whose subscription is this expression. */
const own = (subscription: string) => ({ subscription, expressionType: 'SQL92' })
/** A pull by what the group registered at this version. */
const registered = (subVersion = 1) => ({ sysFlag: 0, subVersion, consumerGroup: 'S' })

/** Joins group S with an expression for T at a version. */
async function joinSql(
  peer: Peer,
  expression: string,
  version = 1,
  topic = 'T',
  type = 'SQL92',
): Promise<void> {
  const body = heartbeatDataBody.encode({
    clientID: 'c',
    producerDataSet: [],
    consumerDataSet: [
      {
        groupName: 'S',
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        subscriptionDataSet: [parseSubscription(topic, expression, type, version)],
        unitMode: false,
      },
    ],
    heartbeatFingerprint: 0,
    withoutSub: false,
  })
  await peer.ask(HeartBeat, {}, body)
}

async function sendPrices(peer: Peer, prices: readonly number[]): Promise<void> {
  for (const price of prices) await peer.send('T', String(price), { price: String(price) })
}

// Reference: `PullMessageProcessor.java`, `ExpressionMessageFilter.java`.
test('a pull gets the messages that its expression matches, and continues behind the last one examined', async (t) => {
  const { peer } = await testBroker(t, filtering)
  const one = peer()
  await sendPrices(one, [1, 2, 3, 4, 5])
  const some = await one.pull('T', 0, own('price > 1 AND price <> 4'))
  assert.deepEqual(bodies(some.body), ['2', '3', '5'])
  assert.equal(some.header().nextBeginOffset, 5)
  const two = await one.pull('T', 0, { ...own('price > 1'), maxMsgNums: 2 })
  assert.deepEqual(bodies(two.body), ['2', '3'])
  assert.equal(two.header().nextBeginOffset, 3)
  const none = await one.pull('T', 0, own('price > 5'))
  assert.equal(none.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  assert.equal(none.header().nextBeginOffset, 5)
})

test('one pull looks through no more of the queue than a tag would make it', async (t) => {
  const { peer } = await testBroker(t, {
    config: { enablePropertyFilter: true, maxFilterMessageSize: 200 },
  })
  const one = peer()
  await sendPrices(
    one,
    Array.from({ length: 30 }, (_, i) => i),
  )
  const tags = await one.pull('T', 0, { subscription: 'none', maxMsgNums: 1 })
  const sql = await one.pull('T', 0, { ...own('price > 100'), maxMsgNums: 1 })
  assert.equal(sql.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  assert.equal(sql.header().nextBeginOffset, tags.header().nextBeginOffset)
  assert.ok(sql.header().nextBeginOffset < 30)
})

test('without enablePropertyFilter an expression is refused, and the option works while the broker runs', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  await sendPrices(one, [1])
  const refused = await one.pull('T', 0, own('price = 1'))
  assert.equal(refused.code, ResponseCode.SYSTEM_ERROR)
  assert.equal(refused.remark, 'The broker does not support consumer to filter message by SQL92')
  await joinSql(one, 'price = 1')
  assert.equal((await one.pull('T', 0, registered())).code, ResponseCode.SYSTEM_ERROR)
  context.liveConfig.change(new Map([['enablePropertyFilter', 'true']]))
  assert.deepEqual(bodies((await one.pull('T', 0, own('price = 1'))).body), ['1'])
  assert.deepEqual(bodies((await one.pull('T', 0, registered())).body), ['1'])
})

test('an expression out of a request that cannot be read filters nothing, and an empty one is refused', async (t) => {
  const { peer } = await testBroker(t, filtering)
  const one = peer()
  await sendPrices(one, [1, 2])
  assert.deepEqual(bodies((await one.pull('T', 0, own('price >'))).body), ['1', '2'])
  const other = { subscription: 'price > 1', expressionType: 'XPATH' }
  assert.deepEqual(bodies((await one.pull('T', 0, other)).body), ['1', '2'])
  const empty = await one.pull('T', 0, own(''))
  assert.equal(empty.code, ResponseCode.SUBSCRIPTION_PARSE_FAILED)
})

test('a group is served by the expression that its clients registered last', async (t) => {
  const { peer } = await testBroker(t, filtering)
  const one = peer()
  await sendPrices(one, [1, 2, 3])
  await joinSql(one, 'price < 3', 1)
  assert.deepEqual(bodies((await one.pull('T', 0, registered())).body), ['1', '2'])
  await joinSql(one, 'price > 1', 2)
  assert.deepEqual(bodies((await one.pull('T', 0, registered(2))).body), ['2', '3'])
  await joinSql(one, 'price = 1', 1)
  assert.deepEqual(bodies((await one.pull('T', 0, registered())).body), ['2', '3'])
})

test('a registered expression that cannot be read, or is older than the pull, is a code of its own', async (t) => {
  const { peer } = await testBroker(t, filtering)
  const one = peer()
  await sendPrices(one, [1])
  await joinSql(one, 'price >', 1)
  const broken = await one.pull('T', 0, registered())
  assert.equal(broken.code, ResponseCode.FILTER_DATA_NOT_EXIST)
  await joinSql(one, 'price > 0', 2)
  assert.equal((await one.pull('T', 0, registered(2))).code, ResponseCode.SUCCESS)
  // An empty expression is taken as a subscription, but not as a filter.
  await joinSql(one, '', 3)
  const older = await one.pull('T', 0, registered(3))
  assert.equal(older.code, ResponseCode.FILTER_DATA_NOT_LATEST)
  await joinSql(one, 'NOT', 4)
  assert.equal((await one.pull('T', 0, registered(4))).code, ResponseCode.FILTER_DATA_NOT_EXIST)
})

test('a held pull is answered by the next message that its expression matches', async (t) => {
  const { peer } = await testBroker(t, filtering)
  const one = peer()
  await sendPrices(one, [1])
  let answered = false
  const held = one.pull('T', 1, { ...own('price = 7'), sysFlag: 6 }).finally(() => {
    answered = true
  })
  const sender = peer()
  await sendPrices(sender, [6])
  await turns()
  assert.equal(answered, false)
  await sendPrices(sender, [7])
  assert.deepEqual(bodies((await held).body), ['7'])
})

// Reference: `PullRequestHoldService.java`, checkHoldRequest.
test('a held pull that another message went by says within 5 s how far it looked', async (t) => {
  const { peer, clock } = await testBroker(t, filtering)
  const one = peer()
  await sendPrices(one, [1])
  let answered = false
  const held = one.pull('T', 1, { ...own('price = 7'), sysFlag: 6 }).finally(() => {
    answered = true
  })
  await sendPrices(peer(), [6])
  const before = clock.monotonic()
  await passUntil(clock, 500, () => answered)
  assert.ok(clock.monotonic() - before <= 6_000, String(clock.monotonic() - before))
  assert.equal((await held).code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  assert.equal((await held).header().nextBeginOffset, 2)
})

// Reference: `ClientManageProcessor.java`, checkClientConfig.
test('a client learns beforehand whether its expression is valid', async (t) => {
  const { peer, context } = await testBroker(t, filtering)
  const one = peer()
  const check = async (expression: string, type = 'SQL92'): Promise<number> => {
    const body = checkClientRequestBody.encode({
      clientId: 'c',
      group: 'G',
      subscriptionData: parseSubscription('T', expression, type, 1),
    })
    return (await one.ask(CheckClientConfig, {}, body)).code
  }
  assert.equal(await check('a > 1'), ResponseCode.SUCCESS)
  assert.equal(await check('a ++'), ResponseCode.SUCCESS)
  assert.equal(await check('a >'), ResponseCode.SUBSCRIPTION_PARSE_FAILED)
  assert.equal(await check('a > 1', 'XPATH'), ResponseCode.SUBSCRIPTION_PARSE_FAILED)
  assert.equal(await check('a >', 'TAG'), ResponseCode.SUCCESS)
  context.liveConfig.change(new Map([['enablePropertyFilter', 'false']]))
  assert.equal(await check('a > 1'), ResponseCode.SYSTEM_ERROR)
  assert.equal(await check('a >', 'TAG'), ResponseCode.SUCCESS)
})

// Reference: `ExpressionForRetryMessageFilter.java`.
test('filterSupportRetry tests what comes back on the expression for the topic of origin', async (t) => {
  const { peer, context } = await testBroker(t, filtering)
  const one = peer()
  await joinSql(one, 'price > 1', 1)
  const retry = retryTopic('S')
  for (const price of ['1', '2']) await one.send(retry, price, { price, RETRY_TOPIC: 'T' })
  await one.send(retry, 'of another topic', { price: '1', RETRY_TOPIC: 'Other' })
  const pull = async (): Promise<string[]> =>
    bodies((await one.pull(retry, 0, { ...own('price IS NOT NULL'), consumerGroup: 'S' })).body)
  assert.deepEqual(await pull(), ['1', '2', 'of another topic'])
  context.liveConfig.change(new Map([['filterSupportRetry', 'true']]))
  assert.deepEqual(await pull(), ['2', 'of another topic'])
})

test('expressions outlive a restart, and those of groups that left long ago are forgotten', async (t) => {
  const first = await testBroker(t, filtering)
  const one = first.peer()
  await sendPrices(one, [1, 2])
  await joinSql(one, 'price = 2', 5)
  await first.stop()
  const second = await testBroker(t, { ...filtering, disk: first.disk, clock: first.clock })
  const { filters } = second.context
  assert.equal(filters.get('T', 'S')?.expression, 'price = 2')
  // The heartbeat that comes says nothing new; the expression is the same.
  const other = second.peer()
  await joinSql(other, 'price = 2', 5)
  assert.deepEqual(bodies((await other.pull('T', 0, registered(5))).body), ['2'])
  other.leave()
  await until(() => filters.get('T', 'S')?.deadTime !== 0)
  second.clock.jump(second.context.config.filterDataCleanTimeSpan)
  filters.save()
  assert.equal(filters.get('T', 'S'), undefined)
})
