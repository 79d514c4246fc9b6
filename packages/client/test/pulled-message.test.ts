import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  encodeBatch,
  encodeProperties,
  encodeRecord,
  MessageSysFlag,
  ProtocolError,
  recordSizeOf,
} from '@skylarkmq/protocol'
import { pulledMessages, type PullOrigin } from '../src/consumer/pulled-message.ts'

const HOST = Buffer.from([127, 0, 0, 1])
const { INNER_BATCH, NEED_UNWRAP } = MessageSysFlag
const MEMBERS = 300_000

function record(queueOffset: number, body: Buffer, tag: string, sysFlag = 0): Buffer {
  const fields = {
    ...{ topic: Buffer.from('T'), queueId: 0, flag: 0, queueOffset, physicalOffset: 100, sysFlag },
    ...{ bornTimestamp: 1, bornHost: HOST, bornPort: 1, storeTimestamp: 2, storeHost: HOST },
    ...{ storePort: 2, reconsumeTimes: 0, preparedTransactionOffset: 0, body },
    properties: encodeProperties({ TAGS: tag }),
  }
  const bytes = Buffer.alloc(recordSizeOf(fields))
  encodeRecord(bytes, 0, fields)
  return bytes
}

const origin = (tags: readonly string[], offset = 0): PullOrigin => ({
  ...{ brokerName: 'b', namespace: undefined, offset, tags },
})

test('records wait as they came, and batches of any size are taken apart where they stand', () => {
  const member = { flag: 0, body: 'm', properties: 'TAGS\x01b\x02' }
  const batch = encodeBatch(Array<typeof member>(MEMBERS).fill(member))
  const body = Buffer.concat([
    record(0, Buffer.from('first'), 'a'),
    record(1, batch, 'a', INNER_BATCH | NEED_UNWRAP),
    record(MEMBERS + 1, Buffer.from('last'), 'a'),
  ])
  const all = pulledMessages(body, origin([]))
  assert.equal(all.length, MEMBERS + 2)
  assert.ok(all.every(({ queueOffset }, at) => queueOffset === at))
  assert.deepEqual(
    [0, 1, MEMBERS, MEMBERS + 1].map((at) => all[at]?.read().body.toString()),
    ['first', 'm', 'm', 'last'],
  )
  const ofB = pulledMessages(body, origin(['b'], MEMBERS))
  assert.deepEqual(
    ofB.map(({ queueOffset }) => queueOffset),
    [MEMBERS],
  )
  const ofA = pulledMessages(body, origin(['a', 'c']))
  assert.deepEqual(
    ofA.map((each) => each.read().body.toString()),
    ['first', 'last'],
  )
  assert.throws(() => pulledMessages(body.subarray(0, -1), origin([])), ProtocolError)
})
