/** A name server and broker that mean a client ill, and a program with a consumer and a producer for their victim. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { encodeRecord, recordSizeOf } from '../../packages/protocol/dist/src/index.js'
import { frameReader } from '../conformance/lib/remoting.mjs'
import { rawFrame } from './frames.mjs'

const CODE = {
  PULL: 11,
  QUERY_OFFSET: 14,
  HEART_BEAT: 34,
  SEND_BACK: 36,
  MEMBERS: 38,
  ROUTE: 105,
  MAX_OFFSET: 30,
}
const RESPONSE = 1
const program = fileURLToPath(new URL('client-victim.mjs', import.meta.url))

/**
 * Starts a server that answers as it should but for what `answers` says: by request code, a function of the request that
 * returns `{ code, fields, body }`, the bytes of a frame, or undefined for no answer. `joined` is called with each socket.
 */
export async function startHostile({ answers = {}, joined = () => {} }) {
  const ids = new Set()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    joined(socket)
    socket.on(
      'data',
      frameReader((header, body) => {
        if ((header.flag & RESPONSE) !== 0) return
        const answer = (answers[header.code] ?? usual[header.code])?.({ header, body, ids, port })
        if (answer === undefined) return
        if (Buffer.isBuffer(answer)) socket.write(answer)
        else socket.write(answerFrame(header.opaque, answer))
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  return { port, close: () => server.close() }
}

/** A frame that answers a request. */
export function answerFrame(opaque, { code = 0, fields = {}, remark, body }) {
  const header = {
    code,
    language: 'JAVA',
    version: 493,
    opaque,
    flag: RESPONSE,
    remark,
    extFields: fields,
  }
  return rawFrame(Buffer.from(JSON.stringify(header)), body)
}

const json = (value) => Buffer.from(JSON.stringify(value))

/** Answers as they should be, by request code. */
export const usual = {
  [CODE.ROUTE]: ({ port }) => ({ body: json(routeTo(port)) }),
  [CODE.HEART_BEAT]: ({ body, ids }) => {
    ids.add(JSON.parse(body.toString()).clientID)
    return {}
  },
  [CODE.MEMBERS]: ({ ids }) => ({ body: json({ consumerIdList: [...ids] }) }),
  [CODE.QUERY_OFFSET]: () => ({ fields: { offset: '0' } }),
  [CODE.MAX_OFFSET]: () => ({ fields: { offset: '0' } }),
  [CODE.SEND_BACK]: () => ({}),
  [CODE.PULL]: ({ header }) => pulled(header, 19),
}

/** The route of a topic with `queues` queues, all on one broker. */
export function routeTo(port, queues = 1) {
  return {
    brokerDatas: [{ brokerAddrs: { 0: `127.0.0.1:${port}` }, brokerName: 'hostile', cluster: 'c' }],
    filterServerTable: {},
    queueDatas: [
      {
        brokerName: 'hostile',
        perm: 6,
        readQueueNums: queues,
        topicSysFlag: 0,
        writeQueueNums: queues,
      },
    ],
  }
}

/** The answer to a pull; `next` is where it goes on. */
export function pulled({ extFields }, code, body, next = extFields.queueOffset) {
  const fields = {
    suggestWhichBrokerId: '0',
    nextBeginOffset: String(next),
    minOffset: '0',
    maxOffset: '1000',
  }
  return { code, fields, body }
}

/** Stored messages of a topic, from offset 0 on. */
export function records(topic, bodies, sysFlag = 0) {
  const host = Uint8Array.of(127, 0, 0, 1)
  return Buffer.concat(
    bodies.map((body, queueOffset) => {
      const message = {
        ...{
          topic: Buffer.from(topic),
          queueId: 0,
          flag: 0,
          queueOffset,
          physicalOffset: queueOffset * 1000,
          sysFlag,
        },
        ...{
          bornTimestamp: 1,
          bornHost: host,
          bornPort: 1,
          storeTimestamp: 1,
          storeHost: host,
          storePort: 1,
        },
        ...{
          reconsumeTimes: 0,
          preparedTransactionOffset: 0,
          body,
          properties: Buffer.from(`UNIQ_KEY\u0001m${queueOffset}\u0002`),
        },
      }
      const buffer = Buffer.alloc(recordSizeOf(message))
      encodeRecord(buffer, 0, message)
      return buffer
    }),
  )
}

/** Starts the victim; `tell` says what it has seen. */
export async function startClient(port) {
  const child = fork(program, [String(port)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let errors = ''
  let ended
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-2000)))
  let answered = () => {}
  child.on('message', (seen) => answered(seen))
  const exited = once(child, 'exit').then(([code, signal]) => {
    ended = `it ended with ${signal ?? code}: ${errors}`
  })
  return {
    /** `{ consumed, longestMs, peakMiB }`, or how it ended. */
    async tell() {
      if (ended !== undefined) return { ended }
      const told = new Promise((resolve) => (answered = resolve))
      child.send('tell')
      const seen = await Promise.race([told, exited])
      return ended === undefined ? seen : { ended }
    },
    stop() {
      child.kill('SIGKILL')
    },
  }
}

/** Waits until the victim says what is wanted, or for `ms`; returns what it said last. */
export async function until(client, isWell, ms = 10_000) {
  const end = performance.now() + ms
  for (;;) {
    const seen = await client.tell()
    if (seen.ended !== undefined || isWell(seen) || performance.now() > end) return seen
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
