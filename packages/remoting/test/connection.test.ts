import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCommand, encodeCommand, FLAG_RESPONSE, writeCommand } from '@skylarkmq/protocol'
import { Connection, type ConnectionOptions } from '../src/connection.ts'
import { ConnectionClosed, RequestTimeout } from '../src/errors.ts'
import { OutputBudget } from '../src/output-budget.ts'
import { FakeSocket } from './support/fake-socket.ts'
import { testEnv } from './support/test-env.ts'

/** A connection to a fake socket; `codes` are those of the frames it handed on, answers go to who waits. */
function connect(options: ConnectionOptions = {}) {
  const env = testEnv()
  const socket = new FakeSocket()
  const codes: number[] = []
  let closed = 0
  const connection = new Connection(
    env,
    socket,
    {
      frame: (each, frame) => {
        const command = decodeCommand(frame)
        if ((command.flag & FLAG_RESPONSE) !== 0) each.inFlight.answer(command)
        else codes.push(command.code)
      },
      closed: () => closed++,
    },
    options,
  )
  return { env, socket, connection, codes, closedTimes: () => closed }
}

const answer = (opaque: number, remark: string): Buffer =>
  encodeCommand({ code: 0, opaque, flag: FLAG_RESPONSE, remark })
const request = (code: number): Buffer => encodeCommand({ code, opaque: 1 })

test('answers find their requests by opaque, in whatever order they come', async () => {
  const { connection, env, socket } = connect()
  const one = connection.request({ code: 1, name: 'ONE' }, 1000)
  const two = connection.request({ code: 2, name: 'TWO' }, 1000)
  env.endTurn()
  const [first, second] = socket.commands().map((each) => each.opaque)
  connection.receive(answer(second ?? 0, 'for two'))
  connection.receive(answer(first ?? 0, 'for one'))
  assert.equal((await one).remark, 'for one')
  assert.equal((await two).remark, 'for two')
  assert.equal(connection.inFlight.count, 0)
})

test('a request without an answer is rejected when its time is up, and a late answer is nobody’s', async () => {
  const { connection, env, socket } = connect()
  const waiting = connection.request({ code: 1, name: 'ONE' }, 1000)
  env.endTurn()
  env.clock.advance(999)
  assert.equal(connection.inFlight.count, 1)
  env.clock.advance(1)
  await assert.rejects(waiting, (error) => {
    assert.ok(error instanceof RequestTimeout)
    assert.deepEqual(error.values, { address: '192.0.2.1:5000', request: 'ONE', timeoutMs: 1000 })
    return true
  })
  const opaque = socket.commands()[0]?.opaque ?? 0
  const late = { ...decoded(answer(opaque, '')) }
  assert.equal(connection.inFlight.answer(late), false)
})

function decoded(bytes: Buffer) {
  const socket = new FakeSocket()
  socket.writes.push(bytes)
  const [command] = socket.commands()
  assert.ok(command !== undefined)
  return command
}

test('when the connection ends, all who wait are told, and so is who asks afterwards', async () => {
  const { connection, closedTimes } = connect()
  const waiting = connection.request({ code: 1, name: 'ONE' }, 1000)
  let heard = 0
  connection.onClose(() => heard++)
  const takeBack = connection.onClose(() => assert.fail('it was taken back'))
  takeBack()
  connection.gone()
  connection.gone()
  await assert.rejects(waiting, ConnectionClosed)
  await assert.rejects(connection.request({ code: 1, name: 'ONE' }, 1000), ConnectionClosed)
  connection.onClose(() => heard++)
  assert.equal(heard, 2)
  assert.equal(closedTimes(), 1)
})

test('all that is to be sent in a turn leaves in one write', () => {
  const { connection, env, socket } = connect()
  for (let code = 1; code <= 10; code++) connection.oneway({ code, name: 'X' })
  assert.equal(socket.writes.length, 0)
  env.endTurn()
  assert.equal(socket.writes.length, 1)
  assert.deepEqual(
    socket.commands().map((each) => each.code),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  env.endTurn()
  assert.equal(socket.writes.length, 1)
})

test('replies that rest on a log write which failed are taken back, the others stay', () => {
  const { connection, env, socket } = connect()
  const reply = (opaque: number): number => {
    const sink = connection.output()
    const start = sink.length
    writeCommand(sink, { code: 0, opaque, flag: FLAG_RESPONSE, remark: 'fine' })
    return start
  }
  reply(1)
  connection.holdsIfWritten(reply(2), 2)
  reply(3)
  connection.holdsIfWritten(reply(4), 4)
  env.endTurn(new Error('EIO'))
  assert.deepEqual(
    socket.commands().map((each) => [each.opaque, each.code]),
    [
      [1, 0],
      [2, 14],
      [3, 0],
      [4, 14],
    ],
  )
  assert.match(socket.commands()[1]?.remark ?? '', /not stored: EIO/)
  socket.writes.length = 0
  connection.holdsIfWritten(reply(5), 5)
  env.endTurn()
  assert.deepEqual(socket.commands()[0]?.code, 0)
})

test('a connection that is to end sends what rests on the log write only after it', () => {
  const { connection, env, socket } = connect()
  const start = connection.output().length
  writeCommand(connection.output(), { code: 0, opaque: 9, flag: 1 })
  connection.holdsIfWritten(start, 9)
  connection.end()
  assert.equal(socket.writes.length, 0)
  assert.ok(!socket.isEnded)
  env.endTurn(new Error('EIO'))
  assert.equal(socket.commands()[0]?.code, 14)
  assert.ok(socket.isEnded)
})

test('a peer that does not read gets its requests handled no more, and is read again once it took all', () => {
  const { connection, env, socket, codes } = connect()
  socket.takes = false
  writeCommand(connection.output(), { code: 0, opaque: 1, body: Buffer.alloc(1024) })
  env.endTurn()
  assert.ok(socket.isPaused)
  socket.queuedBytes = 0
  socket.takes = true
  connection.drained()
  assert.ok(!socket.isPaused)
  connection.receive(request(7))
  assert.deepEqual(codes, [7])
})

test('with more than 4 MiB of replies gathered, what came in the same turn waits for the next', () => {
  const { connection, env, socket, codes } = connect()
  writeCommand(connection.output(), { code: 0, opaque: 1, body: Buffer.alloc(5 * 1024 * 1024) })
  connection.receive(Buffer.concat([request(7), request(8)]))
  assert.deepEqual(codes, [])
  assert.ok(socket.isPaused)
  env.endTurn()
  assert.deepEqual(codes, [7, 8])
  assert.ok(!socket.isPaused)
})

test('of several peers that do not read, the one that holds most is dropped when memory is short', () => {
  const budget = new OutputBudget(10_000)
  const peers = [1000, 8000, 3000].map((bytes) => {
    const peer = connect({ budget })
    peer.socket.takes = false
    writeCommand(peer.connection.output(), { code: 0, opaque: 1, body: Buffer.alloc(bytes) })
    peer.env.endTurn()
    return peer
  })
  assert.deepEqual(
    peers.map((peer) => peer.socket.isDestroyed),
    [false, true, false],
  )
  assert.deepEqual(peers[1]?.env.seen, ['remoting.reader.slow'])
  assert.ok(budget.usedBytes < 10_000)
})

test('half a frame counts as memory that the peer holds', () => {
  const budget = new OutputBudget(100_000)
  const { connection } = connect({ budget })
  const whole = encodeCommand({ code: 1, opaque: 1, body: Buffer.alloc(50_000) })
  connection.receive(whole.subarray(0, 40_000))
  assert.ok(budget.usedBytes >= 40_000)
})

test('bytes that are no frame close the connection that they came by, with an event', () => {
  const { connection, socket, env } = connect()
  connection.receive(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  assert.ok(socket.isDestroyed)
  assert.ok(connection.isClosed)
  assert.deepEqual(env.seen, ['remoting.frame.refused'])
})

test('frames are found however the bytes are cut', () => {
  const bytes = Buffer.concat([request(1), request(2), request(3)])
  for (const size of [1, 3, 7, bytes.length]) {
    const { connection, codes } = connect()
    for (let at = 0; at < bytes.length; at += size) {
      connection.receive(Buffer.from(bytes.subarray(at, at + size)))
    }
    assert.deepEqual(codes, [1, 2, 3])
  }
})
