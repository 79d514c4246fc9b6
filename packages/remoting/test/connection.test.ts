import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCommand, encodeCommand, FLAG_RESPONSE, writeCommand } from '@skylarkmq/protocol'
import type { ConnectionOptions } from '../src/connection-parts.ts'
import { Connection } from '../src/connection.ts'
import { ConnectionClosed, RequestTimeout } from '../src/errors.ts'
import { OutputBudget } from '../src/output-budget.ts'
import { TurnShares } from '../src/turn-shares.ts'
import { FakeSocket } from './support/fake-socket.ts'
import { testEnv } from './support/test-env.ts'

/** A connection to a fake socket; `codes` are those of the frames it handed on, answers go to whoever waits. */
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

test('when the connection ends, all waiters get an error, and so do later requests', async () => {
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

test('frames that were put off are read within the same boundary as others', () => {
  const { connection, socket, env } = connect()
  writeCommand(connection.output(), { code: 0, opaque: 1, body: Buffer.alloc(5 * 1024 * 1024) })
  const nonsense = Buffer.from('000000090000000101', 'hex')
  connection.receive(Buffer.concat([request(7), nonsense, Buffer.alloc(16, 0xff)]))
  env.endTurn()
  assert.ok(socket.isDestroyed)
  assert.deepEqual(env.seen, ['remoting.frame.refused'])
})

test('of many frames that come at once, some are handled in a turn, the rest in those that follow, in their order', () => {
  const { connection, env, socket, codes } = connect()
  const frames = Array.from({ length: 5000 }, (_, code) => request(code))
  connection.receive(Buffer.concat(frames))
  let turns = 0
  let before = 0
  while (codes.length < frames.length) {
    assert.ok(codes.length - before <= 1024)
    assert.ok(codes.length > before)
    assert.ok(socket.isPaused)
    assert.ok(connection.heldBytes > 0)
    before = codes.length
    env.endTurn()
    turns++
  }
  assert.ok(turns >= 4)
  assert.deepEqual(
    codes,
    frames.map((_, code) => code),
  )
  assert.equal(connection.heldBytes, 0)
  assert.ok(!socket.isPaused)
})

test('connections with more than their share of a turn continue in the order of arrival', () => {
  const env = testEnv()
  const turns = new TurnShares(env)
  const order: string[] = []
  const peers = ['a', 'b', 'c'].map((name) => {
    const owner = { frame: () => void order.push(name), closed: () => undefined }
    return new Connection(env, new FakeSocket(), owner, { turns })
  })
  const chunk = Buffer.concat(Array.from({ length: 2500 }, () => request(1)))
  for (const peer of peers) peer.receive(chunk)
  for (let turn = 0; turn < 3; turn++) env.endTurn()
  const runs = order.filter((name, i) => name !== order[i - 1])
  assert.deepEqual(runs, ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c'])
  assert.equal(order.length, 7500)
})

test('a turn that has used up its time leaves the rest to the next', () => {
  const env = testEnv()
  const codes: number[] = []
  const owner = {
    frame: () => {
      codes.push(1)
      env.clock.advance(3)
    },
    closed: () => undefined,
  }
  const connection = new Connection(env, new FakeSocket(), owner)
  const chunk = Buffer.concat(Array.from({ length: 5 }, () => request(1)))
  connection.receive(chunk)
  for (let turn = 1; turn <= 5; turn++) {
    assert.equal(codes.length, turn)
    env.endTurn()
  }
  assert.equal(codes.length, 5)
})

test('an answer that was held is built only when the peer reads, and one after the other', async () => {
  const { connection, env, socket } = connect()
  const said: number[] = []
  let later: () => void = () => undefined
  const say = (n: number, waits?: Promise<void>) => () => {
    said.push(n)
    writeCommand(connection.output(), { code: n, opaque: n, body: Buffer.alloc(3 * 1024 * 1024) })
    return waits
  }
  const open = new Promise<void>((resolve) => {
    later = resolve
  })
  socket.takes = false
  for (let n = 0; n < 5; n++) connection.whenOutput(say(n, n === 4 ? open : undefined))
  connection.whenOutput(say(5))
  assert.deepEqual(said, [0, 1])
  env.endTurn()
  assert.deepEqual(said, [0, 1])
  socket.takes = true
  socket.queuedBytes = 0
  connection.drained()
  env.endTurn()
  assert.deepEqual(said, [0, 1, 2, 3])
  env.endTurn()
  assert.deepEqual(said, [0, 1, 2, 3, 4])
  env.endTurn()
  assert.deepEqual(said, [0, 1, 2, 3, 4])
  later()
  await open
  await Promise.resolve()
  env.endTurn()
  assert.deepEqual(said, [0, 1, 2, 3, 4, 5])
})

test('when a peer is gone, holders of an answer for it are notified', () => {
  const { connection, socket, env } = connect()
  let told = 0
  socket.takes = false
  writeCommand(connection.output(), { code: 0, opaque: 1, body: Buffer.alloc(5 * 1024 * 1024) })
  for (let n = 0; n < 3; n++) {
    connection.whenOutput(() => {
      assert.ok(connection.isClosed)
      told++
      throw new Error('a bug')
    })
  }
  env.endTurn()
  assert.equal(told, 0)
  connection.destroy()
  assert.equal(told, 3)
  connection.whenOutput(() => {
    told++
    return undefined
  })
  assert.equal(told, 4)
})

test('a peer with too many requests without an answer is heard no more until some have theirs', () => {
  const { connection, socket, codes, env } = connect()
  for (let n = 0; n < 32_768; n++) connection.requestBegun()
  connection.receive(request(7))
  env.endTurn()
  assert.deepEqual(codes, [])
  assert.ok(socket.isPaused)
  connection.requestEnded()
  env.endTurn()
  assert.deepEqual(codes, [7])
  assert.ok(!socket.isPaused)
})

test('an error of a listener or a write ends one connection at most, and is reported', () => {
  const { connection, socket, env } = connect()
  let heard = 0
  connection.onClose(() => {
    throw new Error('a listener')
  })
  connection.onClose(() => heard++)
  connection.guarded(() => {
    throw new RangeError('deep')
  })
  assert.ok(socket.isDestroyed)
  assert.equal(heard, 1)
  assert.deepEqual(env.seen, ['remoting.connection.failed', 'remoting.connection.failed'])

  const other = connect()
  other.socket.write = () => {
    throw new Error('EPIPE')
  }
  other.connection.oneway({ code: 1, name: 'X' })
  other.env.endTurn()
  assert.ok(other.connection.isClosed)
})

test('a request that cannot be written is rejected, and leaves nothing among the bytes of others', async () => {
  const { connection, socket, env } = connect()
  connection.oneway({ code: 1, name: 'BEFORE' })
  const body = [Buffer.from('x'), undefined as unknown as Buffer]
  await assert.rejects(connection.request({ code: 2, name: 'BROKEN', body }, 1000), TypeError)
  connection.oneway({ code: 2, name: 'BROKEN', body })
  connection.oneway({ code: 3, name: 'BEHIND' })
  env.endTurn()
  assert.deepEqual(
    socket.commands().map((each) => each.code),
    [1, 3],
  )
  assert.equal(connection.inFlight.count, 0)
})

test('a socket that keeps a little and says that it takes more is read on: it will not tell when it has sent that', () => {
  const { connection, env, socket, codes } = connect()
  socket.write = (data) => {
    socket.queuedBytes += data.length
    return true
  }
  connection.receive(Buffer.concat(Array.from({ length: 1500 }, () => request(7))))
  assert.ok(socket.isPaused)
  connection.oneway({ code: 1, name: 'X' })
  env.endTurn()
  assert.equal(codes.length, 1500)
  assert.ok(!socket.isPaused)
})

test('a client reads on while its own output waits to be taken', async () => {
  const { connection, env, socket, codes } = connect({ isClient: true })
  socket.takes = false
  const body = Buffer.alloc(5 * 1024 * 1024)
  const waiting = connection.request({ code: 1, name: 'ONE', body }, 1000)
  const opaque = 1
  connection.receive(request(7))
  env.endTurn()
  connection.receive(Buffer.concat([request(8), answer(opaque, 'read')]))
  assert.ok(!socket.isPaused)
  assert.deepEqual(codes, [7, 8])
  assert.equal((await waiting).remark, 'read')
})

test('a client gives up a peer that leaves 32 MiB of answers to its own requests unread', () => {
  const { connection, env, socket } = connect({ isClient: true })
  socket.takes = false
  const large = Buffer.alloc(20 * 1024 * 1024)
  connection.oneway({ code: 1, name: 'OWN', body: large })
  connection.oneway({ code: 1, name: 'OWN', body: large })
  env.endTurn()
  for (let opaque = 0; opaque < 2; opaque++) {
    assert.ok(!socket.isDestroyed)
    writeCommand(connection.output(), { code: 0, opaque, flag: FLAG_RESPONSE, body: large })
    env.endTurn()
  }
  assert.ok(socket.isDestroyed)
  assert.deepEqual(env.seen, ['remoting.reader.slow'])
})

test('a peer whose host took all without saying so is read again', () => {
  const { connection, env, socket, codes } = connect()
  socket.takes = false
  writeCommand(connection.output(), { code: 0, opaque: 1, body: Buffer.alloc(1024) })
  env.endTurn()
  env.clock.advance(2000)
  assert.ok(socket.isPaused)
  socket.queuedBytes = 0
  env.clock.advance(2000)
  assert.ok(!socket.isPaused)
  connection.receive(request(7))
  assert.deepEqual(codes, [7])
})

test('a socket that refuses more, but has nothing queued, is not waited for', () => {
  const { connection, env, socket } = connect()
  socket.write = () => false
  writeCommand(connection.output(), { code: 0, opaque: 1 })
  env.endTurn()
  assert.ok(!socket.isPaused)
  assert.ok(!connection.isOutputFull)
})

test('a client’s connection that is to end is closed once nothing more is taken, and not before', () => {
  const { connection, env, socket, closedTimes } = connect({ isClient: true })
  socket.takes = false
  connection.oneway({ code: 1, name: 'ONE', body: Buffer.alloc(3000) })
  connection.end()
  env.endTurn()
  assert.ok(socket.isEnded)
  for (let taken = 0; taken < 3; taken++) {
    socket.queuedBytes -= 1000
    env.clock.advance(3000)
    assert.ok(!socket.isDestroyed)
  }
  env.clock.advance(3000)
  assert.ok(socket.isDestroyed)
  assert.equal(closedTimes(), 1)
})
