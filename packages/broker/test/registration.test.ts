import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import {
  brokerMemberGroupBody,
  CURRENT_VERSION,
  decodeCommand,
  decodeRegisterBrokerBody,
  writeReply,
  type RemotingCommand,
} from '@skylarkmq/protocol'
import { RemotingServer } from '@skylarkmq/remoting'
import { topicConfig } from '../src/topic/topic-config-table.ts'
import { testBroker, until } from './support/broker.ts'
import { wire } from './support/wire.ts'

const REGISTER = 103
const ONE_TOPIC = 217
const MEMBERS = 901
const VERSION = 322

/** A name server that notes what it is asked and answers each with success, or with what `bodyOf` says. */
async function nameServer(
  t: TestContext,
  bodyOf: (asked: RemotingCommand) => Partial<RemotingCommand> = () => ({}),
): Promise<{ address: string; asked: RemotingCommand[] }> {
  const asked: RemotingCommand[] = []
  const server = new RemotingServer(
    { ...nodeEnv(silentEvents), net: wire },
    {
      dispatch: (connection, frame) => {
        const command = decodeCommand(frame)
        const { body } = command
        asked.push(body === undefined ? command : { ...command, body: Buffer.from(body) })
        writeReply(connection.output(), command.opaque, { code: 0, ...bodyOf(command) })
      },
    },
  )
  const port = await server.listen('127.0.0.1', 0)
  server.serve()
  t.after(() => server.close())
  return { address: `127.0.0.1:${port}`, asked }
}

const countOf = (asked: readonly RemotingCommand[], code: number): number =>
  asked.filter((each) => each.code === code).length

const many = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    topicConfig(`a-topic-with-a-name-of-usual-length-${i}`, 4, 6),
  )

// Reference: `BrokerController.java`, registerSingleTopicAll, which Apache does where enableSingleTopicRegister says so.
test('a new topic is registered alone when there are many, and with all others when there are few', async (t) => {
  const { address, asked } = await nameServer(t)
  const { context } = await testBroker(t, { config: { namesrvAddr: address } })
  context.topics.put(topicConfig('few', 4, 6))
  await context.registration.whenKnown()
  assert.equal(countOf(asked, ONE_TOPIC), 0)
  context.topics.putAll(many(1_200))
  await context.registration.whenKnown()
  const before = countOf(asked, REGISTER)
  assert.ok(before > 0)
  for (let i = 0; i < 20; i++) {
    context.topics.put(topicConfig(`one-more-${i}`, 4, 6))
    await context.registration.whenKnown()
  }
  assert.equal(countOf(asked, ONE_TOPIC), 20)
  assert.equal(countOf(asked, REGISTER), before)
  assert.equal(asked.at(-1)?.fields?.['topic'], 'one-more-19')
})

test('a name server that does not take one topic alone gets all of them', async (t) => {
  const { address, asked } = await nameServer(t, ({ code }) =>
    code === ONE_TOPIC ? { code: 3 } : {},
  )
  const config = { namesrvAddr: address, enableSingleTopicRegister: true }
  const { context } = await testBroker(t, { config })
  const before = countOf(asked, REGISTER)
  context.topics.put(topicConfig('T', 4, 6))
  await context.registration.whenKnown()
  assert.deepEqual([countOf(asked, ONE_TOPIC), countOf(asked, REGISTER)], [1, before + 1])
})

test('a registration of a hundred thousand topics fits a frame, whatever compressedRegister says', async (t) => {
  const { address, asked } = await nameServer(t)
  const { context } = await testBroker(t, { config: { namesrvAddr: address } })
  context.topics.putAll(many(100_000))
  await context.registration.whenKnown()
  const last = asked.findLast(({ code }) => code === REGISTER)
  assert.equal(last?.fields?.['compressed'], 'true')
  assert.ok((last.body?.length ?? 0) < 4 * 1024 * 1024)
  const form = { version: CURRENT_VERSION, compressed: true }
  const { topicConfigTable } = decodeRegisterBrokerBody(last.body, form).topicConfigSerializeWrapper
  assert.ok(topicConfigTable.size > 100_000)
})

test('without forceRegister a name server that has all topics is queried, and no registration is sent', async (t) => {
  const { address, asked } = await nameServer(t, ({ code }) =>
    code === VERSION ? { fields: { changed: 'false' } } : {},
  )
  const config = { namesrvAddr: address, forceRegister: false, registerNameServerPeriod: 10_000 }
  const { clock } = await testBroker(t, { config })
  const before = countOf(asked, REGISTER)
  clock.advance(10_000)
  await until(() => countOf(asked, VERSION) === 1)
  assert.equal(countOf(asked, REGISTER), before)
})

test('a broker that shares name and id with another process is warned, once', async (t) => {
  const told: unknown[] = []
  const group = { cluster: 'C', brokerName: 'b', brokerAddrs: new Map([[0, '192.0.2.7:10911']]) }
  const { address, asked } = await nameServer(t, ({ code }) =>
    code === MEMBERS ? { body: brokerMemberGroupBody.encode({ brokerMemberGroup: group }) } : {},
  )
  const { clock } = await testBroker(t, {
    config: { namesrvAddr: address, registerNameServerPeriod: 10_000 },
    events: {
      emit: ({ name }, fields) => {
        if (name === 'broker.name.shared') told.push(fields)
      },
    },
  })
  clock.advance(10_000)
  await until(() => countOf(asked, MEMBERS) === 2 && countOf(asked, REGISTER) === 2)
  assert.equal(told.length, 1)
  assert.equal((told[0] as { other: string }).other, '192.0.2.7:10911')
})
