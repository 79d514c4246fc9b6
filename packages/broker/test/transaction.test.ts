import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import {
  CheckTransactionState,
  decodeHeader,
  decodeProperties,
  decodeRecord,
  decodeRecords,
  EndTransaction,
  MessageSysFlag,
  Property,
  RecordAt,
  ResponseCode,
  ResumeCheckHalfMessage,
  SystemTopic,
  type DecodedMessage,
  type HeaderOf,
} from '@skylarkmq/protocol'
import { passUntil, testBroker, type Peer } from './support/broker.ts'

const { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = MessageSysFlag
const HALF = SystemTopic.TRANS_HALF
const OP = SystemTopic.TRANS_OP_HALF
const GIVEN_UP = SystemTopic.TRANS_CHECK_MAX_TIME
const TORN_AT = RecordAt.bornTimestamp + 4
/** The lower half of the time: by what is left it is weeks old. */
const TORN_BYTES = 4

type TestBroker = Awaited<ReturnType<typeof testBroker>>

/** Sends a half message and gives back how to end it. */
async function sendHalf(
  { clock }: TestBroker,
  peer: Peer,
  body = 'b',
  properties: Record<string, string> = {},
) {
  const sent = await peer.send(
    'T',
    body,
    { TRAN_MSG: 'true', PGROUP: 'P', ...properties },
    { bornTimestamp: clock.now(), sysFlag: MessageSysFlag.TRANSACTION_PREPARED },
  )
  const { msgId, queueOffset, transactionId } = sent.header()
  return {
    code: sent.code,
    transactionId,
    header: {
      producerGroup: 'P',
      tranStateTableOffset: queueOffset,
      commitLogOffset: Number.parseInt(msgId.slice(16), 16),
      msgId: transactionId ?? '',
    },
  }
}

function end(
  peer: Peer,
  header: Omit<HeaderOf<typeof EndTransaction>, 'commitOrRollback'>,
  how: number = TRANSACTION_COMMIT,
) {
  return peer.ask(EndTransaction, { ...header, commitOrRollback: how })
}

async function readAll(peer: Peer, topic: string): Promise<DecodedMessage[]> {
  const { body } = await peer.pull(topic, 0)
  return decodeRecords(body ?? Buffer.alloc(0))
}

/** What the broker asked last. */
function asked(peer: Peer) {
  const command = peer.lastAsked
  assert.equal(command?.code, CheckTransactionState.code)
  return {
    header: decodeHeader(CheckTransactionState, command.fields ?? {}),
    message: decodeRecord(command.body ?? Buffer.alloc(0)),
  }
}

/** As the client answers what it was asked. */
function answered(peer: Peer) {
  const { tranStateTableOffset, commitLogOffset, msgId = '' } = asked(peer).header
  return {
    producerGroup: 'P',
    tranStateTableOffset,
    commitLogOffset,
    msgId,
    fromTransactionCheck: true,
  }
}

// Reference of this file: `EndTransactionProcessor.java`, `TransactionalMessageServiceImpl.java`.
test('a committed half message is delivered once, however often it is committed', async (t) => {
  const broker = await testBroker(t)
  const peer = broker.peer()
  const half = await sendHalf(broker, peer, 'b', { TAGS: 'a' })
  assert.equal(half.code, ResponseCode.SUCCESS)
  assert.equal(broker.context.store.offsetMax('T', 0), 0)
  for (let times = 0; times < 3; times++) assert.equal((await end(peer, half.header)).code, 0)
  const delivered = await readAll(peer, 'T')
  assert.equal(delivered.length, 1)
  const [message] = delivered
  assert.ok(message !== undefined)
  assert.equal(message.body.toString(), 'b')
  assert.equal(message.preparedTransactionOffset, half.header.commitLogOffset)
  assert.equal(message.sysFlag, TRANSACTION_COMMIT)
  const properties = decodeProperties(message.properties)
  assert.equal(properties.get(Property.TRANSACTION_ID), half.transactionId)
  assert.equal(properties.get(Property.REAL_TOPIC), 'T')
  const ops = await readAll(peer, OP)
  assert.deepEqual(
    ops.map((each) => each.body.toString()),
    ['0,'],
  )
})

test('a half message that is rolled back is never delivered, whatever its producer says later', async (t) => {
  const broker = await testBroker(t)
  const peer = broker.peer()
  const half = await sendHalf(broker, peer)
  assert.equal((await end(peer, half.header, TRANSACTION_ROLLBACK)).code, 0)
  assert.equal((await end(peer, half.header)).code, 0)
  assert.equal(broker.context.store.offsetMax('T', 0), 0)
})

test('a half message with a delay is kept, and delivered without it', async (t) => {
  const broker = await testBroker(t)
  const peer = broker.peer()
  const half = await sendHalf(broker, peer, 'b', { DELAY: '3' })
  await end(peer, half.header)
  const [message] = await readAll(peer, 'T')
  assert.equal(message?.body.toString(), 'b')
  assert.equal(decodeProperties(message.properties).get(Property.DELAY), undefined)
})

test('only the group that sent a half message ends it, and only by its offsets', async (t) => {
  const broker = await testBroker(t)
  const peer = broker.peer()
  const { header } = await sendHalf(broker, peer)
  const wrong = [
    [{ ...header, producerGroup: 'Q' }, 'The producer group wrong'],
    [
      { ...header, msgId: 'other', transactionId: 'other' },
      'Find prepared transaction message failed',
    ],
    [{ ...header, tranStateTableOffset: 7 }, 'The transaction state table offset wrong'],
    [{ ...header, commitLogOffset: 3 }, 'Find prepared transaction message failed'],
    [{ ...header, commitLogOffset: 1e9 }, 'Find prepared transaction message failed'],
  ] as const
  for (const [one, remark] of wrong) {
    const answer = await end(peer, one)
    assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
    assert.equal(answer.remark, remark)
  }
  assert.equal(broker.context.store.offsetMax('T', 0), 0)
})

test('a producer is asked about a half message of which it said nothing, with the copy that was appended', async (t) => {
  const broker = await testBroker(t)
  const peer = broker.peer()
  await peer.produce('c', 'P')
  const { transactionId } = await sendHalf(broker, peer, 'b')
  await passUntil(broker.clock, 1000, () => peer.asked.includes(39))
  const { header, message } = asked(peer)
  assert.equal(header.tranStateTableOffset, 1)
  assert.equal(header.topic, HALF)
  assert.equal(header.transactionId, transactionId)
  assert.equal(header.msgId, transactionId)
  assert.equal(message.topic, 'T')
  assert.equal(message.queueOffset, 1)
  assert.equal(message.physicalOffset, header.commitLogOffset)
  const properties = decodeProperties(message.properties)
  assert.equal(properties.get(Property.TRANSACTION_CHECK_TIMES), '1')
  assert.equal(properties.get(Property.TRAN_PREPARED_QUEUE_OFFSET), undefined)
  assert.equal(properties.get(Property.WAIT), 'false', 'nobody waits for the copy')
  assert.equal((await end(peer, answered(peer))).code, 0)
  const delivered = await readAll(peer, 'T')
  assert.equal(delivered.length, 1)
  const own = decodeProperties(delivered[0]?.properties ?? Buffer.alloc(0))
  assert.notEqual(own.get(Property.WAIT), 'false', 'what is delivered is what was sent')
})

test('an answer to a check and a late word on the first half message deliver one message', async (t) => {
  for (const isFirstLate of [true, false]) {
    const broker = await testBroker(t)
    const peer = broker.peer()
    await peer.produce('c', 'P')
    const half = await sendHalf(broker, peer)
    await passUntil(broker.clock, 1000, () => peer.asked.length === 2)
    const ends = [answered(peer), half.header]
    if (isFirstLate) ends.reverse()
    for (const header of [...ends, ...ends]) assert.equal((await end(peer, header)).code, 0)
    assert.equal(broker.context.store.offsetMax('T', 0), 1)
    await passUntil(broker.clock, 1000, () => broker.clock.now() > 200_000)
    assert.equal(peer.asked.length, 2, 'nobody asks again')
  }
})

test('an immunity time is kept, and a word that comes after it without having been asked is refused', async (t) => {
  const broker = await testBroker(t)
  const peer = broker.peer()
  await peer.produce('c', 'P')
  const half = await sendHalf(broker, peer, 'b', { CHECK_IMMUNITY_TIME_IN_SECONDS: '70' })
  const sentMs = broker.clock.now()
  await passUntil(broker.clock, 5000, () => peer.asked.includes(39))
  const waitedMs = broker.clock.now() - sentMs
  assert.ok(waitedMs >= 70_000 && waitedMs < 110_000, String(waitedMs))
  assert.equal((await end(peer, half.header)).code, ResponseCode.ILLEGAL_OPERATION)
  const properties = decodeProperties(asked(peer).message.properties)
  assert.equal(properties.get(Property.TRANSACTION_CHECK_TIMES), '1', 'waiting is no check')
  assert.equal(properties.get(Property.TRAN_PREPARED_QUEUE_OFFSET), '0')
  assert.equal((await end(peer, answered(peer))).code, 0)
  assert.equal(broker.context.store.offsetMax('T', 0), 1)
})

test('after so many checks a half message is given up, and can be committed or resumed, once', async (t) => {
  const broker = await testBroker(t, { config: { transactionCheckMax: 2 } })
  const peer = broker.peer()
  await peer.produce('c', 'P')
  const { store } = broker.context
  const late = await sendHalf(broker, peer, 'late')
  await sendHalf(broker, peer, 'resumed')
  await passUntil(broker.clock, 1000, () => store.offsetMax(GIVEN_UP, 0) === 2)
  assert.equal(peer.asked.length, 4)
  for (let times = 0; times < 2; times++) assert.equal((await end(peer, late.header)).code, 0)
  assert.equal(store.offsetMax('T', 0), 1)
  const ids = (await readAll(peer, GIVEN_UP)).map(({ physicalOffset }) => {
    const hex = physicalOffset.toString(16).toUpperCase().padStart(16, '0')
    return `7F00000100000000${hex}`
  })
  const resumed = await peer.ask(ResumeCheckHalfMessage, { msgId: ids[1]! })
  assert.equal(resumed.code, 0)
  const committed = await peer.ask(ResumeCheckHalfMessage, { msgId: ids[0]! })
  assert.equal(committed.code, ResponseCode.SYSTEM_ERROR)
  await peer.produce('c', 'P')
  await passUntil(broker.clock, 1000, () => peer.asked.length === 5)
  assert.equal(asked(peer).message.body.toString(), 'resumed')
  await end(peer, answered(peer))
  assert.equal(store.offsetMax('T', 0), 2)
})

test('producers of a group are asked in turn, and those that have left are not', async (t) => {
  const broker = await testBroker(t)
  const [sender, first, second] = [broker.peer(), broker.peer(), broker.peer()]
  await sender.produce('a', 'P')
  await first.produce('b', 'P')
  await second.produce('c', 'P')
  for (let i = 0; i < 4; i++) await sendHalf(broker, sender)
  sender.leave()
  await passUntil(broker.clock, 1000, () => first.asked.length + second.asked.length === 4)
  assert.deepEqual([first.asked.length, second.asked.length], [2, 2])
})

test('open half messages are checked after a restart, and those that ended are not', async (t) => {
  const clock = manualClock()
  const disk = memoryDisk(() => clock.now())
  const before = await testBroker(t, { clock, disk })
  const peer = before.peer()
  const done = await sendHalf(before, peer, 'done')
  await end(peer, done.header)
  const open = await sendHalf(before, peer, 'open')
  await before.stop()
  const after = await testBroker(t, { clock, disk })
  const again = after.peer()
  await again.produce('c', 'P')
  await passUntil(clock, 1000, () => again.asked.length > 0)
  assert.equal(asked(again).message.body.toString(), 'open')
  for (const header of [done.header, open.header, answered(again)]) await end(again, header)
  const delivered = await readAll(again, 'T')
  assert.deepEqual(
    delivered.map((each) => each.body.toString()),
    ['done', 'open'],
  )
  await passUntil(clock, 1000, () => after.context.offsets.all.size > 0)
  const offsets = after.context.offsets.ofTopic('CID_RMQ_SYS_TRANS', HALF)
  assert.ok((offsets.get(0) ?? 0) > 0, 'progress is saved as by Apache')
})

test('a copy that a power cut tore before its body is ended as its first half message says', async (t) => {
  const clock = manualClock()
  const disk = memoryDisk(() => clock.now())
  const before = await testBroker(t, { clock, disk })
  const peer = before.peer()
  await peer.produce('c', 'P')
  const { header } = await sendHalf(before, peer, 'b', { TAGS: 'a' })
  await passUntil(clock, 1000, () => peer.asked.length > 0)
  const { commitLogOffset } = asked(peer).header
  assert.notEqual(commitLogOffset, header.commitLogOffset)
  await before.stop()
  const log = disk.open('/memory/commitlog/00000000000000000000', 'write')
  log.writeNow(Buffer.alloc(TORN_BYTES), commitLogOffset + TORN_AT)
  const after = await testBroker(t, { clock, disk })
  const again = after.peer()
  await again.produce('c', 'P')
  await passUntil(clock, 1000, () => again.asked.length > 0)
  assert.equal(asked(again).message.body.toString(), 'b')
  assert.equal((await end(again, answered(again))).code, 0)
  const [message] = await readAll(again, 'T')
  assert.equal(message?.bornTimestamp, asked(again).message.bornTimestamp)
  assert.ok(clock.now() - message.bornTimestamp < 3_600_000)
  assert.equal(after.context.store.offsetMax(GIVEN_UP, 0), 0)
})

test('transactional messages can be refused', async (t) => {
  const broker = await testBroker(t, { config: { rejectTransactionMessage: true } })
  const { code } = await broker.peer().send('T', 'b', { TRAN_MSG: 'true' })
  assert.equal(code, ResponseCode.NO_PERMISSION)
})

test('a rollback that the log does not take is not acknowledged, and the message is open as before', async (t) => {
  const disk = memoryDisk(() => 0)
  const usage = disk.usage.bind(disk)
  const broker = await testBroker(t, { disk })
  const { clock } = broker
  const peer = broker.peer()
  const { header } = await sendHalf(broker, peer)
  disk.usage = () => ({ totalBytes: 1_000, freeBytes: 10, availableBytes: 10 })
  await passUntil(clock, 1_000, () => !broker.context.store.isWriteable())
  const refused = await end(peer, { ...header, fromTransactionCheck: true }, TRANSACTION_ROLLBACK)
  assert.notEqual(refused.code, ResponseCode.SUCCESS)
  disk.usage = usage
  await passUntil(clock, 1_000, () => broker.context.store.isWriteable())
  const committed = await end(peer, { ...header, fromTransactionCheck: true })
  assert.equal(committed.code, ResponseCode.SUCCESS)
  assert.equal(broker.context.store.offsetMax('T', 0), 1)
})
