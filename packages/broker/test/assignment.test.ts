import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import {
  GetAllMessageRequestMode,
  queryAssignmentAnswerBody,
  queryAssignmentRequestBody,
  QueryAssignment,
  ResponseCode,
  SetMessageRequestMode,
  setMessageRequestModeBody,
  type MessageRequestMode,
} from '@skylarkmq/protocol'
import { allocateQueues, allocateToPop } from '../src/subscription/allocate-queues.ts'
import { testBroker, type Peer } from './support/broker.ts'

const set = (peer: Peer, topic: string, mode: MessageRequestMode, popShareQueueNum = 0) => {
  const body = setMessageRequestModeBody.encode({
    topic,
    consumerGroup: 'G',
    mode,
    popShareQueueNum,
  })
  return peer.ask(SetMessageRequestMode, {}, body)
}

const share = async (peer: Peer, clientId: string, topic = 'T', strategyName = 'AVG') => {
  const body = queryAssignmentRequestBody.encode({
    topic,
    consumerGroup: 'G',
    clientId,
    strategyName,
    messageModel: 'CLUSTERING',
  })
  const answer = await peer.ask(QueryAssignment, {}, body)
  assert.equal(answer.code, 0)
  const decoded = queryAssignmentAnswerBody.decode(answer.body ?? Buffer.alloc(0))
  return decoded.messageQueueAssignments?.map(({ mode, messageQueue }) => [
    mode,
    messageQueue.queueId,
  ])
}

// Reference: `QueryAssignmentProcessor.java`.
test('the broker shares the queues of a topic out among the clients of a group', async (t) => {
  const { peer } = await testBroker(t)
  const [a, b] = [peer(), peer()]
  await a.send('T', 'x')
  await a.join('a', 'G', 'T')
  await b.join('b', 'G', 'T')
  assert.deepEqual(await share(a, 'a'), [
    ['PULL', 0],
    ['PULL', 1],
  ])
  assert.deepEqual(await share(a, 'b', 'T', 'AVG_BY_CIRCLE'), [
    ['PULL', 1],
    ['PULL', 3],
  ])
  assert.deepEqual(await share(a, 'stranger'), [])
  assert.equal(await share(a, 'a', 'T', 'NO_SUCH'), undefined, 'things stay as they are')
  assert.equal(await share(a, 'a', 'nowhere'), undefined)
})

test('the mode in which a group consumes a topic survives a restart, and is part of a queue assignment', async (t) => {
  const disk = memoryDisk(() => 0)
  const first = await testBroker(t, { disk })
  const client = first.peer()
  await client.send('T', 'x')
  await client.join('a', 'G', 'T')
  assert.equal((await set(client, 'nowhere', 'POP')).code, ResponseCode.TOPIC_NOT_EXIST)
  assert.equal((await set(client, '%RETRY%G', 'POP')).code, ResponseCode.NO_PERMISSION)
  assert.equal((await set(client, 'T', 'POP', 1)).code, 0)
  assert.deepEqual(await share(client, 'a'), [['POP', -1]])
  await first.stop()
  const file = disk.readFile('/memory/config/messageRequestMode.json')
  assert.deepEqual(JSON.parse(String(file)), {
    messageRequestModeMap: {
      T: { G: { consumerGroup: 'G', mode: 'POP', popShareQueueNum: 1, topic: 'T' } },
    },
  })
  const second = await testBroker(t, { disk })
  const again = second.peer()
  const { body } = await again.ask(GetAllMessageRequestMode, {})
  assert.deepEqual(JSON.parse(String(body)), JSON.parse(String(file)))
})

test('with POP a client shares the queues of the clients behind it', () => {
  const queues = [0, 1, 2, 3, 4].map((queueId) => ({ queueId }))
  const ids = ['a', 'b', 'c', 'd']
  const of = (id: string, shared: number) =>
    allocateToPop('AVG', queues, ids, id, shared)?.map(({ queueId }) => queueId)
  assert.deepEqual(of('a', 0), [-1, -1, -1, -1, -1])
  assert.deepEqual(of('a', 3), [-1, -1, -1, -1, -1])
  assert.deepEqual(of('a', 1), [0, 1, 2])
  assert.deepEqual(of('d', 1), [4, 0, 1])
  assert.deepEqual(of('stranger', 1), [])
  const many = ['a', 'b', 'c', 'd', 'e', 'f']
  assert.deepEqual(allocateToPop('AVG', queues, many, 'f', 1), [{ queueId: 0 }])
  assert.equal(allocateToPop('NO_SUCH', queues, ids, 'a', 0), undefined)
  assert.equal(allocateQueues('NO_SUCH', queues, ids, 'a'), undefined)
})
