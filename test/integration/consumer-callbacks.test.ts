import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import {
  ConsumeMessageDirectly,
  consumeMessageDirectlyResultBody,
  consumerRunningInfoBody,
  consumerStatusBody,
  decodeCommand,
  encodeHeader,
  GetConsumerRunningInfo,
  InvokeBrokerToGetConsumerStatus,
  type HeaderOf,
} from '@skylarkmq/protocol'
import { RemotingClient, type AnyRequest } from '@skylarkmq/remoting'
import { startServer, type TestServer } from '@skylarkmq/testing'

/** Asks the broker as an administrator does; the body of the answer. */
async function ask<D extends AnyRequest>(
  server: TestServer,
  definition: D,
  header: HeaderOf<D>,
): Promise<Buffer> {
  const client = new RemotingClient(nodeEnv(silentEvents), {
    handler: {
      dispatch: (connection, frame) => {
        const command = decodeCommand(frame)
        connection.inFlight.answer({ ...command, body: Buffer.from(command.body ?? []) })
      },
    },
  })
  try {
    const { code, name } = definition
    const fields = encodeHeader(definition, header)
    const answer = await client.request(server.broker.address, { code, name, fields }, 5_000)
    assert.equal(answer.code, 0, answer.remark)
    return Buffer.from(answer.body ?? [])
  } finally {
    client.close()
  }
}

async function consuming(server: TestServer, ordered: boolean) {
  const mq = server.client({ clientId: '10.1.1.1@me' })
  const producer = await mq.producer()
  for (let i = 0; i < 5; i++) await producer.send({ topic: 'T', body: String(i), keys: `k${i}` })
  const consumer = await mq.consumer({
    group: 'g',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
    ordered,
  })
  const taken: string[] = []
  await consumer.run((message) => {
    taken.push(message.body.toString())
    if (taken.length === 7) throw new Error('the seventh fails')
  })
  while (taken.length < 5) await pause(2)
  return { taken, clientId: '10.1.1.1@me' }
}

for (const ordered of [false, true]) {
  test(`a consumer says what it is doing${ordered ? ', in order' : ''}`, async () => {
    await using server = await startServer({ topics: { T: 1 } })
    const { clientId } = await consuming(server, ordered)
    const look = async () => {
      const body = await ask(server, GetConsumerRunningInfo, { consumerGroup: 'g', clientId })
      const info = consumerRunningInfoBody.decode(body)
      const [, queue] = [...info.mqTable].find(([{ topic }]) => topic === 'T') ?? []
      return { info, queue }
    }
    let { info, queue } = await look()
    while (queue?.commitOffset !== 5) ({ info, queue } = await look())
    assert.equal(info.properties.get('PROP_CONSUMEORDERLY'), String(ordered))
    assert.equal(info.properties.get('PROP_CONSUME_TYPE'), 'CONSUME_PASSIVELY')
    assert.match(info.properties.get('PROP_NAMESERVER_ADDR') ?? '', /^127\.0\.0\.1:\d+;$/)
    assert.deepEqual(info.subscriptionSet.map(({ topic }) => topic).sort(), ['%RETRY%g', 'T'])
    assert.equal(queue.locked, ordered)
    assert.equal(queue.cachedMsgCount, 0)
    assert.ok(Math.abs(Date.now() - queue.lastConsumeTimestamp) < 60_000)
    const status = info.statusTable.get('T')
    assert.equal(status?.consumeOKTPS, 5 / 60)
  })
}

test('a consumer takes a message because an administrator wants it, and says how that went', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const { taken, clientId } = await consuming(server, false)
  const [message] = server.messages('T')
  const msgId = message?.offsetMsgId ?? ''
  const header = { consumerGroup: 'g', clientId, msgId, topic: 'T', brokerName: 'broker-a' }
  const direct = async () =>
    consumeMessageDirectlyResultBody.decode(await ask(server, ConsumeMessageDirectly, header))
  const { order, consumeResult } = await direct()
  assert.deepEqual({ order, consumeResult }, { order: false, consumeResult: 'CR_SUCCESS' })
  assert.equal(taken[5], '0')
  const failed = await direct()
  assert.equal(failed.consumeResult, 'CR_THROW_EXCEPTION')
  assert.match(failed.remark ?? '', /the seventh fails/)
})

test('a consumer tells how far it has come', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const { clientId } = await consuming(server, false)
  const offsets = async (): Promise<number[]> => {
    const header = { topic: 'T', group: 'g', clientAddr: '' }
    const body = await ask(server, InvokeBrokerToGetConsumerStatus, header)
    const { consumerTable } = consumerStatusBody.decode(body)
    return [...(consumerTable?.get(clientId)?.values() ?? [])]
  }
  while ((await offsets())[0] !== 5);
  assert.deepEqual(await offsets(), [5])
})
