/** A client whose name server and broker answer, and ask, whatever a seed makes of it. */
import { RocketMQ } from '../../packages/client/dist/src/index.js'
import { memoryDisk, nodeEnv } from '../../packages/env/dist/src/index.js'
import {
  clientRequests,
  decodeCommand,
  FrameDecoder,
} from '../../packages/protocol/dist/src/index.js'
import { answerFrame, routeTo, usual } from '../attack/hostile.mjs'
import { numbersFrom, RequestMaker } from './requests.mjs'

const PORT = 10911
const TURN = 16

/** Plays some turns; `note` hears of errors of the program. */
export async function playClient(seed, count, result, note) {
  const maker = new RequestMaker(clientRequests, seed)
  const below = numbersFrom(seed)
  const sockets = new Set()
  const events = {
    emit: ({ name, level }, values) => {
      if (level === 'error') note(name, values.reason)
    },
  }
  const env = {
    ...nodeEnv(events),
    disk: memoryDisk(() => Date.now()),
    net: {
      listen: () => Promise.reject(new Error('nobody listens')),
      connect: () => Promise.resolve(new Wire(maker, below, sockets, result)),
      addresses: () => ['127.0.0.1'],
    },
  }
  const mq = new RocketMQ(
    {
      nameServers: `127.0.0.1:${PORT}`,
      pollNameServerMs: 5,
      heartbeatMs: 5,
      timeout: 50,
      startTimeoutMs: 0,
    },
    env,
  )
  const quietly = (promise) => promise.catch(() => {})
  const consumer = await mq.consumer({
    group: 'group',
    subscriptions: { TopicTest: '*' },
    rebalanceMs: 5,
    persistOffsetsMs: 5,
  })
  const producer = await mq.transactionProducer({ group: 'group', check: () => 'commit' })
  const alive = setInterval(() => {}, 1000)
  const join = () =>
    consumer.run((message) => void message.body.length).catch(() => setTimeout(join, 5))
  void join()
  const admin = mq.admin()
  for (let played = 0; played < count;) {
    void quietly(
      producer.send({ topic: 'TopicTest', body: 'x'.repeat(below(6000)) }, { timeout: 50 }),
    )
    if (below(10) === 0) {
      const asks = [
        () => admin.topics.list(),
        () => admin.topics.stats('TopicTest'),
        () => admin.topics.groups('TopicTest'),
        () => admin.groups.list(),
        () => admin.groups.lag('group'),
        () => admin.groups.connections('group'),
        () => admin.messages.query('TopicTest', 'k1'),
        () => admin.brokers.clusters(),
        () => admin.brokers.runtime(`127.0.0.1:${PORT}`),
      ]
      void quietly(asks[below(asks.length)]())
    }
    for (const socket of [...sockets].slice(-4)) {
      for (let left = TURN; left > 0; left--) socket.push(maker.next(++played).frame)
    }
    if (sockets.size === 0) played++
    await new Promise((resolve) => setImmediate(resolve))
  }
  await mq.close({ timeout: 200 })
  clearInterval(alive)
  result.clientFrames = (result.clientFrames ?? 0) + count
}

/** One end of a connection of the client; at the other end is this file. */
class Wire {
  remoteAddress = '127.0.0.1'
  remotePort = PORT
  localAddress = '127.0.0.1'
  localPort = 5000
  queuedBytes = 0
  #decoder = new FrameDecoder()
  #events
  #isClosed = false

  constructor(maker, below, sockets, result) {
    Object.assign(this, { maker, below, sockets, result })
    sockets.add(this)
  }

  handle(events) {
    this.#events = events
  }

  push(bytes) {
    if (!this.#isClosed) this.#events?.data(bytes)
  }

  write(bytes) {
    const answers = []
    this.#decoder.push(Buffer.from(bytes), (frame) => {
      const command = decodeCommand(frame)
      if ((command.flag & 1) !== 0) this.result.clientAnswers = (this.result.clientAnswers ?? 0) + 1
      else if ((command.flag & 2) === 0) answers.push(this.#answer(command))
    })
    setImmediate(() => answers.forEach((each) => this.push(each)))
    return true
  }

  #answer({ code, opaque, fields, body }) {
    const header = { extFields: fields ?? {} }
    const known =
      this.below(2) > 0 ? usual[code]?.({ header, body, ids: new Set(), port: PORT }) : undefined
    if (known !== undefined) return answerFrame(opaque, known)
    if (code === 105 && this.below(2) > 0)
      return answerFrame(opaque, {
        body: Buffer.from(JSON.stringify(routeTo(PORT, this.below(9)))),
      })
    return this.maker.answer(opaque)
  }

  pause() {}
  resume() {}
  end() {
    this.destroy()
  }

  destroy() {
    if (this.#isClosed) return
    this.#isClosed = true
    this.sockets.delete(this)
    queueMicrotask(() => this.#events?.close(undefined))
  }
}
