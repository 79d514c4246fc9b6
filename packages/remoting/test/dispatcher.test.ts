import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  encodeCommand,
  FLAG_ONEWAY,
  GetMaxOffset,
  HeartBeat,
  PullMessage,
  ResponseCode,
} from '@skylarkmq/protocol'
import { Connection } from '../src/connection.ts'
import { Dispatcher } from '../src/dispatcher.ts'
import { ConnectionClosed } from '../src/errors.ts'
import { NO_REPLY, OK, type Gate, type Outcome } from '../src/processor.ts'
import { FakeSocket } from './support/fake-socket.ts'
import { testEnv } from './support/test-env.ts'

const requests = { HEART_BEAT: HeartBeat, GET_MAX_OFFSET: GetMaxOffset, PULL_MESSAGE: PullMessage }
type Serve = () => Outcome

/** A dispatcher whose heartbeat is served by `serve`, behind gates that PULL_MESSAGE does not have. */
function dispatching(serve: Serve, gates: readonly Gate<undefined>[] = []) {
  const env = testEnv()
  const socket = new FakeSocket()
  const dispatcher = new Dispatcher({
    context: undefined,
    requests,
    services: {
      HEART_BEAT: { process: serve as () => Outcome<typeof HeartBeat>, gates },
      GET_MAX_OFFSET: {
        process: (_, { header }) => ({ code: 0, header: { offset: header.queueId + 40 } }),
        gates,
      },
      PULL_MESSAGE: { process: () => NO_REPLY },
    },
    events: env.events,
  })
  const connection = new Connection(env, socket, {
    frame: (each, frame) => {
      dispatcher.dispatch(each, frame)
    },
    closed: () => undefined,
  })
  const send = (command: Partial<Parameters<typeof encodeCommand>[0]>): void => {
    connection.receive(encodeCommand({ code: HeartBeat.code, opaque: 1, ...command }))
  }
  const replies = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    env.endTurn()
    return socket.commands().map(({ code, opaque, remark, fields }) => ({
      code,
      opaque,
      remark,
      fields,
    }))
  }
  return { env, dispatcher, connection, send, replies }
}

test('a request goes to its processor with its header, and the answer comes back by its opaque', async () => {
  const { send, replies } = dispatching(() => OK)
  send({ code: GetMaxOffset.code, opaque: 9, fields: { topic: 'T', queueId: '2' } })
  const [reply] = await replies()
  assert.equal(reply?.opaque, 9)
  assert.deepEqual(reply.fields, { offset: '42' })
})

// Reference: `NettyRemotingAbstract.java`, processRequestCommand.
test('an unknown request is answered with code 3 in the words of Apache', async () => {
  const { send, replies } = dispatching(() => OK)
  send({ code: 9999 })
  const [reply] = await replies()
  assert.equal(reply?.code, ResponseCode.REQUEST_CODE_NOT_SUPPORTED)
  assert.equal(reply.remark, ' request type 9999 not supported')
})

test('an invalid header is answered with the name of the field, and the connection stays open', async () => {
  const { send, replies } = dispatching(() => OK)
  send({ code: GetMaxOffset.code, fields: { topic: 'T' } })
  send({ code: GetMaxOffset.code, fields: { topic: 'T', queueId: 'x' } })
  send({ code: GetMaxOffset.code, fields: { topic: 'T', queueId: '1' } })
  const all = await replies()
  assert.deepEqual(
    all.map((each) => each.code),
    [1, 1, 0],
  )
  assert.match(all[0]?.remark ?? '', /lacks the field queueId/)
  assert.match(all[1]?.remark ?? '', /field queueId is not a whole number/)
})

test('a processor that throws or rejects is answered with SYSTEM_ERROR, and the event says why', async () => {
  for (const serve of [
    () => {
      throw new TypeError('a bug')
    },
    () => Promise.reject(new TypeError('a bug')),
  ]) {
    const { send, replies, env } = dispatching(serve)
    send({})
    const [reply] = await replies()
    assert.equal(reply?.code, ResponseCode.SYSTEM_ERROR)
    assert.match(reply.remark ?? '', /a bug/)
    assert.deepEqual(env.seen, ['remoting.request.failed'])
  }
})

test('a oneway request gets no answer, good or bad', async () => {
  const { send, replies } = dispatching(() => OK)
  send({ flag: FLAG_ONEWAY })
  send({ code: 9999, flag: FLAG_ONEWAY })
  send({ code: GetMaxOffset.code, flag: FLAG_ONEWAY })
  assert.deepEqual(await replies(), [])
})

test('answers that take time come when they are there, in their own order', async () => {
  const resolvers: ((reply: typeof OK) => void)[] = []
  const { send, replies } = dispatching(() => new Promise((resolve) => resolvers.push(resolve)))
  send({ opaque: 1 })
  send({ opaque: 2 })
  resolvers[1]?.(OK)
  resolvers[0]?.(OK)
  assert.deepEqual(
    (await replies()).map((each) => each.opaque),
    [2, 1],
  )
})

test('an answer that cannot be written is SYSTEM_ERROR, and those around it stay whole', async () => {
  const broken = { code: 0, body: [Buffer.from('half'), undefined as unknown as Buffer] }
  let outcome: Outcome = OK
  const { env, send, replies } = dispatching(() => outcome)
  send({ opaque: 1 })
  outcome = broken
  send({ opaque: 2 })
  outcome = Promise.resolve(broken)
  send({ opaque: 3 })
  outcome = OK
  send({ opaque: 4 })
  const answered = (await replies()).map(({ code, opaque }) => [opaque, code])
  assert.deepEqual(answered.sort(), [
    [1, 0],
    [2, ResponseCode.SYSTEM_ERROR],
    [3, ResponseCode.SYSTEM_ERROR],
    [4, 0],
  ])
  assert.deepEqual(env.seen, ['remoting.request.failed', 'remoting.request.failed'])
})

test('requests whose answers come later are counted until they have come', async () => {
  const waiting: (() => void)[] = []
  const { connection, send, replies } = dispatching(
    () =>
      new Promise((resolve) => {
        waiting.push(() => {
          resolve(OK)
        })
      }),
  )
  for (let opaque = 1; opaque <= 3; opaque++) send({ opaque })
  assert.equal(connection.unanswered, 3)
  for (const answer of waiting) answer()
  assert.equal((await replies()).length, 3)
  assert.equal(connection.unanswered, 0)
})

test('a peer that is gone when it is asked on behalf of a request is not a failure of the program', async () => {
  const gone = new ConnectionClosed({ address: '192.0.2.1:5000', request: 'OTHER' })
  const { env, send, replies } = dispatching(() => Promise.reject(gone))
  send({})
  const [reply] = await replies()
  assert.equal(reply?.code, ResponseCode.SYSTEM_ERROR)
  assert.match(reply.remark ?? '', /192\.0\.2\.1:5000 closed before OTHER/)
  assert.deepEqual(env.seen, [])
})

test('gates see a request with its header and connection, in their order, and the first that answers turns it away', async () => {
  const seen: string[] = []
  const gate =
    (name: string): Gate<undefined> =>
    (_, { definition, header, connection }) => {
      seen.push(`${name} ${definition.name} ${String(header['topic'])} ${connection.peer}`)
      return name === 'second' && header['topic'] === 'closed'
        ? { code: ResponseCode.NO_PERMISSION, remark: 'closed' }
        : undefined
    }
  const { send, replies, connection } = dispatching(
    () => OK,
    ['first', 'second', 'third'].map(gate),
  )
  send({ opaque: 1, code: GetMaxOffset.code, fields: { topic: 'open', queueId: '0' } })
  send({ opaque: 2, code: GetMaxOffset.code, fields: { topic: 'closed', queueId: '0' } })
  send({ opaque: 3, code: GetMaxOffset.code, fields: { topic: 'closed' } })
  const answered = (await replies()).map(({ code, opaque }) => [opaque, code])
  assert.deepEqual(answered, [
    [1, ResponseCode.SUCCESS],
    [2, ResponseCode.NO_PERMISSION],
    [3, ResponseCode.SYSTEM_ERROR],
  ])
  const { peer } = connection
  const line = (name: string, topic: string) => `${name} GET_MAX_OFFSET ${topic} ${peer}`
  assert.deepEqual(seen, [
    ...['first', 'second', 'third'].map((name) => line(name, 'open')),
    ...['first', 'second'].map((name) => line(name, 'closed')),
  ])
})

test('a gate that throws is a failed request, answered like one', async () => {
  const gate: Gate<undefined> = () => {
    throw new TypeError('a bug')
  }
  const { env, send, replies } = dispatching(() => OK, [gate])
  send({})
  const [reply] = await replies()
  assert.equal(reply?.code, ResponseCode.SYSTEM_ERROR)
  assert.deepEqual(env.seen, ['remoting.request.failed'])
})
