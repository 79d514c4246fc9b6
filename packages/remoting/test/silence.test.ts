import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCommand, encodeCommand, FLAG_RESPONSE } from '@skylarkmq/protocol'
import { Connection } from '../src/connection.ts'
import { ConnectionClosed, RequestTimeout } from '../src/errors.ts'
import { FakeSocket } from './support/fake-socket.ts'
import { testEnv } from './support/test-env.ts'

const SEND = { code: 1, name: 'SEND' }
const HELD = { code: 2, name: 'HELD', patienceMs: 16_000 }

/** A client's connection whose peer is the test. Timers that fall due while the process is `busy` come when it is no more. */
function connect() {
  const plain = testEnv()
  const late: (() => void)[] = []
  const host = { isBusy: false }
  const { clock } = plain
  const after = (ms: number, f: () => void) =>
    clock.after(ms, () => {
      if (host.isBusy) late.push(f)
      else f()
    })
  const env = { ...plain, clock: { ...clock, after } }
  const socket = new FakeSocket()
  const owner = {
    frame: (each: Connection, frame: Parameters<typeof decodeCommand>[0]) =>
      void each.inFlight.answer(decodeCommand(frame)),
    closed: () => undefined,
  }
  const connection = new Connection(env, socket, owner, { isClient: true })
  const sent = (): number[] => socket.commands().map(({ code }) => code)
  return {
    env,
    socket,
    connection,
    /** Lets time go by, with a turn of the event loop now and then. */
    pass: (ms: number): void => {
      for (let left = ms; left > 0; left -= 50) {
        env.endTurn()
        env.clock.advance(Math.min(50, left))
      }
      env.endTurn()
    },
    /** Answers a request of those that were sent; the last one when it is not said which. */
    answers: (at = -1): void => {
      const opaque = socket.commands().at(at)?.opaque ?? 0
      connection.receive(encodeCommand({ code: 0, opaque, flag: FLAG_RESPONSE }))
      env.endTurn()
    },
    sent,
    /** Nothing is done for so long. */
    busy: (ms: number): void => {
      host.isBusy = true
      clock.advance(ms)
      host.isBusy = false
      for (const f of late.splice(0)) f()
    },
    questions: (): number =>
      sent().filter((code) => code !== SEND.code && code !== HELD.code).length,
  }
}

test('a peer that answers neither a request nor a probe is given up, and all waiters get a lost connection', async () => {
  const { connection, env, pass, questions } = connect()
  const held = connection.request(HELD, 30_000)
  const send = connection.request(SEND, 3_000)
  pass(900)
  assert.equal(questions(), 0)
  pass(200)
  assert.equal(questions(), 1)
  pass(800)
  assert.ok(!connection.isClosed)
  pass(300)
  assert.ok(connection.isClosed)
  assert.equal(connection.ending, 'silent')
  assert.deepEqual(env.seen, ['remoting.connection.silent'])
  await assert.rejects(send, ConnectionClosed)
  await assert.rejects(held, ConnectionClosed)
})

test('a peer that is slow with one request and answers others is there', async () => {
  const { connection, pass, questions, answers } = connect()
  const slow = connection.request(SEND, 10_000)
  for (let i = 0; i < 9; i++) {
    const quick = connection.request(SEND, 3_000)
    pass(400)
    answers()
    await quick
    pass(400)
  }
  assert.ok(!connection.isClosed)
  assert.equal(questions(), 0)
  answers(0)
  await slow
})

test('a peer that is slow with its one request says that it is there, and is asked again only now and then', () => {
  const { connection, pass, questions, answers } = connect()
  connection.request(SEND, 60_000).catch(() => undefined)
  pass(3_100)
  assert.equal(questions(), 1)
  answers()
  pass(4_500)
  assert.equal(questions(), 1)
  pass(1_000)
  assert.equal(questions(), 2)
  answers()
  pass(2_000)
  assert.ok(!connection.isClosed)
})

test('a held request is waited for as long as it may be held', () => {
  const { connection, pass, questions } = connect()
  connection.request(HELD, 30_000).catch(() => undefined)
  pass(15_900)
  assert.equal(questions(), 0)
  pass(1_500)
  assert.ok(connection.isClosed)
})

test('requests that give up before anybody is asked whether the peer is there count all the same', async () => {
  const { connection, pass } = connect()
  for (let i = 0; i < 3; i++) {
    const send = connection.request(SEND, 300)
    const refused = assert.rejects(send, RequestTimeout)
    pass(300)
    await refused
  }
  pass(1_500)
  assert.ok(connection.isClosed)
})

test('nothing is asked of a peer that is asked nothing', () => {
  const { connection, pass, sent, answers } = connect()
  pass(100_000)
  assert.deepEqual(sent(), [])
  connection.request(SEND, 3_000).catch(() => undefined)
  pass(100)
  answers()
  pass(100_000)
  assert.deepEqual(sent(), [SEND.code])
})

test('a peer counts as alive while its network still accepts what is sent', () => {
  const { connection, socket, pass } = connect()
  socket.takes = false
  connection.request({ ...SEND, body: Buffer.alloc(100_000) }, 60_000).catch(() => undefined)
  for (let i = 0; i < 20; i++) {
    pass(1_000)
    socket.queuedBytes -= 1_000
    assert.ok(!connection.isClosed)
  }
  pass(9_000)
  assert.ok(!connection.isClosed)
  pass(5_000)
  assert.ok(connection.isClosed)
})

test('a process that was busy first reads what came meanwhile', () => {
  const { connection, pass, busy, questions, answers } = connect()
  connection.request(SEND, 60_000).catch(() => undefined)
  pass(3_100)
  assert.equal(questions(), 1)
  busy(20_000)
  assert.ok(!connection.isClosed)
  answers()
  pass(1_500)
  assert.ok(!connection.isClosed)
})

test('a server does not ask', () => {
  const env = testEnv()
  const socket = new FakeSocket()
  const owner = { frame: () => undefined, closed: () => undefined }
  const connection = new Connection(env, socket, owner)
  connection.request(SEND, 60_000).catch(() => undefined)
  env.endTurn()
  env.clock.advance(30_000)
  env.endTurn()
  assert.equal(socket.commands().length, 1)
  assert.ok(!connection.isClosed)
})
