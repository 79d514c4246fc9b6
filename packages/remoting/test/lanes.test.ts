import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCommand, FLAG_ONEWAY, GetMaxOffset, HeartBeat } from '@skylarkmq/protocol'
import { Connection } from '../src/connection.ts'
import { Dispatcher } from '../src/dispatcher.ts'
import { Lane, type LaneLimits } from '../src/lanes.ts'
import { OK, type Reply } from '../src/processor.ts'
import { WaitingRoom } from '../src/waiting-room.ts'
import { FakeSocket } from './support/fake-socket.ts'
import { testEnv } from './support/test-env.ts'

const requests = { HEART_BEAT: HeartBeat, GET_MAX_OFFSET: GetMaxOffset }

/** A server of heartbeats that are answered when a test says so, two at a time; offsets are answered at once. */
function serving(options: Partial<LaneLimits & { bytesMax: number; failsFast: boolean }> = {}) {
  const env = testEnv()
  const settings = { bytesMax: 10_000, failsFast: true, ...options }
  const room = new WaitingRoom(env.clock, {
    bytesMax: settings.bytesMax,
    failsFast: () => settings.failsFast,
    reason: () => 'the disk is slow',
  })
  const limits = { unanswered: 2, queued: 3, waitMs: 200, ...options }
  const lane = new Lane('send', limits, room)
  const begun: { body: string; answer: (reply: Reply) => void }[] = []
  let turnedAway: Reply | undefined
  const dispatcher = new Dispatcher({
    context: undefined,
    requests,
    services: {
      HEART_BEAT: {
        process: (_, { body }) =>
          new Promise((answer) => begun.push({ body: String(body), answer })),
        lane,
        gates: [() => turnedAway],
      },
      GET_MAX_OFFSET: { process: () => ({ code: 0, header: { offset: 7 } }) },
    },
    events: env.events,
  })
  const connect = () => {
    const socket = new FakeSocket()
    const connection = new Connection(env, socket, {
      frame: (each, frame) => {
        dispatcher.dispatch(each, frame)
      },
      closed: () => undefined,
    })
    const ask = (opaque: number, command: Partial<Parameters<typeof encodeCommand>[0]> = {}) => {
      const body = Buffer.from(`body ${opaque}`)
      connection.receive(encodeCommand({ code: HeartBeat.code, opaque, body, ...command }))
    }
    const replies = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      env.endTurn()
      return socket.commands().map(({ code, opaque, remark }) => ({ code, opaque, remark }))
    }
    return { socket, connection, ask, replies }
  }
  return {
    env,
    lane,
    room,
    settings,
    connect,
    begun: () => begun.map(({ body }) => body),
    answerAt: (index: number) => begun[index]?.answer(OK),
    turnAway: (reply: Reply | undefined) => {
      turnedAway = reply
    },
  }
}

test('what a full lane cannot begin waits, whole and in order, and its connection is read no further', async () => {
  const server = serving()
  const { ask, socket, replies } = server.connect()
  for (const opaque of [1, 2, 3, 4]) ask(opaque)
  assert.deepEqual(server.begun(), ['body 1', 'body 2'])
  assert.equal(server.lane.queued, 2)
  assert.ok(socket.isPaused)
  server.answerAt(1)
  await replies()
  assert.deepEqual(server.begun(), ['body 1', 'body 2', 'body 3'])
  assert.ok(socket.isPaused, 'one still waits')
  server.answerAt(0)
  await replies()
  assert.deepEqual(server.begun(), ['body 1', 'body 2', 'body 3', 'body 4'])
  assert.ok(!socket.isPaused)
  assert.equal(server.room.bytes, 0)
})

test('while a lane is full, requests of other kinds and of other connections are served', async () => {
  const server = serving()
  const full = server.connect()
  for (const opaque of [1, 2, 3]) full.ask(opaque)
  const fields = { topic: 'T', queueId: '1' }
  full.ask(4, { code: GetMaxOffset.code, fields })
  const other = server.connect()
  other.ask(5, { code: GetMaxOffset.code, fields })
  assert.deepEqual(
    (await full.replies()).map(({ opaque }) => opaque),
    [4],
  )
  assert.deepEqual(
    (await other.replies()).map(({ opaque }) => opaque),
    [5],
  )
  assert.ok(!other.socket.isPaused)
})

// Reference: `BrokerFastFailure.java`, cleanExpiredRequestInQueue.
test('what has waited too long is answered in the words of Apache with the reason, and is read on', async () => {
  const server = serving()
  const { ask, socket, replies } = server.connect()
  for (const opaque of [1, 2, 3]) ask(opaque)
  server.env.clock.advance(100)
  ask(4)
  server.env.clock.advance(90)
  assert.deepEqual(await replies(), [])
  server.env.clock.advance(10)
  const remark =
    '[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 200ms, size of queue: 1, ' +
    'because 2 requests of this kind have no answer yet and the disk is slow'
  assert.deepEqual(await replies(), [{ code: 2, opaque: 3, remark }])
  assert.ok(socket.isPaused)
  server.env.clock.advance(100)
  assert.deepEqual(
    (await replies()).map(({ opaque }) => opaque),
    [3, 4],
  )
  assert.ok(!socket.isPaused)
  assert.equal(server.room.bytes, 0)
  assert.equal(server.begun().length, 2, 'what was refused is not done')
})

test('what is queued is answered at once when the server is busy, in the words of Apache', async () => {
  const disk = { says: undefined as string | undefined }
  const server = serving({ busy: () => disk.says })
  const { ask, replies } = server.connect()
  for (const opaque of [1, 2, 3, 4]) ask(opaque)
  server.env.clock.advance(50)
  assert.deepEqual(await replies(), [])
  disk.says = 'a sync hangs'
  server.env.clock.advance(10)
  const said = await replies()
  assert.deepEqual(
    said.map(({ code, opaque }) => [code, opaque]),
    [
      [2, 3],
      [2, 4],
    ],
  )
  assert.equal(
    said[0]?.remark,
    '[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 60ms, size of queue: 1, because a sync hangs',
  )
})

test('without fast failure what is queued waits for as long as it takes', async () => {
  const server = serving({ failsFast: false })
  const { ask, replies } = server.connect()
  for (const opaque of [1, 2, 3]) ask(opaque)
  server.env.clock.advance(60_000)
  assert.deepEqual(await replies(), [])
  server.answerAt(0)
  await replies()
  assert.equal(server.begun().length, 3)
})

test('what does not fit the queue, by its count or by its bytes, is answered at once', async () => {
  for (const options of [{ queued: 1 }, { bytesMax: 200 }]) {
    const server = serving(options)
    const { ask, replies } = server.connect()
    ask(1)
    ask(2)
    ask(3, { body: Buffer.alloc(80) })
    ask(4, { body: Buffer.alloc(80) })
    assert.equal(server.lane.queued, 1)
    assert.deepEqual(await replies(), [
      {
        code: 2,
        opaque: 4,
        remark:
          '[OVERLOAD]system busy, start flow control for a while, because 2 requests of this kind have no answer yet and the disk is slow',
      },
    ])
  }
})

test('what is turned away by kind is answered in the words of Apache', async () => {
  const server = serving()
  const { ask, replies } = server.connect()
  server.turnAway({ code: 2, remark: 'a sync hangs' })
  ask(1)
  server.turnAway(undefined)
  ask(2)
  assert.deepEqual(await replies(), [{ code: 2, opaque: 1, remark: 'a sync hangs' }])
  assert.deepEqual(server.begun(), ['body 2'])
})

test('a oneway request that waited too long gets no answer, and one whose peer has gone is not served', async () => {
  const server = serving()
  const staying = server.connect()
  const leaving = server.connect()
  staying.ask(1)
  staying.ask(2)
  leaving.ask(3)
  leaving.connection.destroy()
  server.answerAt(0)
  await staying.replies()
  assert.deepEqual(server.begun(), ['body 1', 'body 2'])
  staying.ask(4)
  staying.ask(5, { flag: FLAG_ONEWAY })
  server.env.clock.advance(300)
  assert.deepEqual(
    (await staying.replies()).map(({ opaque }) => opaque),
    [1],
  )
  assert.equal(server.lane.queued, 0)
})
