/** What loads a broker with messages and remembers which it acknowledged, and what reads them back. */
import { connect } from 'node:net'
import {
  encodeFrame,
  frameReader,
  openConnection,
  pullFields,
} from '../conformance/lib/remoting.mjs'

const SEND_MESSAGE_V2 = 310
const PULL_MESSAGE = 11
const GET_MAX_OFFSET = 30
const PULL_COUNT = 32
const FOUND = 0
/** Where the body begins in a record with two IPv4 addresses; before it comes its length. */
const BODY_AT = 88

/** Which message the broker said is where. */
export class Acknowledged {
  count = 0
  /** Messages that were given an offset which another one has. */
  twice = 0
  queues

  constructor(queueCount) {
    this.queues = Array.from({ length: queueCount }, () => [])
  }

  add(queueId, offset, sequence) {
    const queue = this.queues[queueId]
    if (queue[offset] !== undefined) this.twice++
    queue[offset] = sequence
    this.count++
  }
}

/** Sends on several connections, many at a time on each, until told to stop or cut off. */
export function startLoad({ address, topic, connections, window, bodyBytes, acknowledged, first }) {
  const [host, port] = address.split(':')
  const filler = 'skylark!'.repeat(Math.ceil(bodyBytes / 8))
  const state = { sent: 0, refused: 0, remarks: new Set(), isStopped: false, perQueue: 0 }
  let sequence = first
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect({ host, port: Number(port) })
    const waiting = new Map()
    const send = (count) => {
      const frames = []
      for (let i = 0; i < count && !state.isStopped; i++) {
        const number = sequence++
        waiting.set(number, true)
        frames.push(frameOf(topic, number, number % acknowledged.queues.length, filler, bodyBytes))
        state.sent++
      }
      if (frames.length > 0) socket.write(Buffer.concat(frames))
    }
    const onFrame = (header) => {
      if (!waiting.delete(header.opaque)) return
      if (header.code === 0) {
        const { queueId, queueOffset } = header.extFields
        acknowledged.add(Number(queueId), Number(queueOffset), header.opaque)
      } else {
        state.refused++
        state.remarks.add(header.remark)
      }
    }
    const push = frameReader(onFrame)
    socket.on('data', (chunk) => {
      push(chunk)
      send(window - waiting.size)
    })
    socket.on('error', () => undefined)
    socket.on('connect', () => send(window))
    return { socket, waiting, send }
  })
  return {
    state,
    /** The number that the next message would get. */
    next: () => sequence,
    /** Sends again on connections whose sends were all refused. */
    nudge: () => sockets.forEach(({ send, waiting }) => send(window - waiting.size)),
    /** Sends no more; resolves when all that was sent is answered, or everything is cut off. */
    async stop() {
      state.isStopped = true
      await Promise.all(
        sockets.map(async ({ socket, waiting }) => {
          while (waiting.size > 0 && !socket.destroyed && !socket.closed) {
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
          socket.destroy()
        }),
      )
    },
  }
}

function frameOf(topic, number, queueId, filler, bodyBytes) {
  const body = Buffer.from(`${number} ${filler}`.slice(0, bodyBytes))
  const key = `CRASH${String(number).padStart(16, '0')}`
  const extFields = {
    a: 'crash-producer',
    b: topic,
    c: 'TBW102',
    d: '8',
    e: String(queueId),
    f: '0',
    g: String(Date.now()),
    h: '0',
    i: `UNIQ_KEY\u0001${key}\u0002WAIT\u0001true\u0002`,
    j: '0',
    k: 'false',
    m: 'false',
  }
  return encodeFrame(
    { code: SEND_MESSAGE_V2, language: 'JAVA', version: 493, opaque: number, flag: 0, extFields },
    body,
  )
}

/**
 * Reads every queue from an offset on, and compares. Returns how many messages were read, and what is wrong:
 * acknowledged messages that are not where they should be, gaps, and messages that are there twice.
 */
export async function verify({ address, topic, acknowledged, from, seen }) {
  const connection = openConnection(address)
  const result = { read: 0, lost: 0, gaps: 0, twice: 0, ends: [] }
  try {
    await Promise.all(
      acknowledged.queues.map(async (queue, queueId) => {
        const max = await maxOffset(connection, topic, queueId)
        result.ends[queueId] = max
        let next = from[queueId] ?? 0
        while (next < max) {
          const records = await pull(connection, topic, queueId, next)
          if (records.length === 0) break
          for (const { offset, sequence } of records) {
            if (offset !== next) result.gaps++
            next = offset + 1
            result.read++
            if (seen.has(sequence)) result.twice++
            seen.add(sequence)
            if (queue[offset] !== undefined && queue[offset] !== sequence) result.lost++
          }
        }
        for (let offset = next; offset < queue.length; offset++) {
          if (queue[offset] !== undefined) result.lost++
        }
      }),
    )
  } finally {
    connection.close()
  }
  return result
}

async function maxOffset(connection, topic, queueId) {
  const { header } = await connection.request(GET_MAX_OFFSET, { topic, queueId: String(queueId) })
  return Number(header.extFields?.offset ?? 0)
}

async function pull(connection, topic, queueId, offset) {
  const fields = pullFields('crash-consumer', topic, queueId, offset, PULL_COUNT)
  const { header, body } = await connection.request(PULL_MESSAGE, fields)
  if (header.code !== FOUND) return []
  const records = []
  for (let at = 0; at < body.length; at += body.readInt32BE(at)) {
    const bodyStart = at + BODY_AT
    const text = body.toString('latin1', bodyStart, bodyStart + 20)
    records.push({
      offset: Number(body.readBigInt64BE(at + 20)),
      sequence: Number(text.slice(0, text.indexOf(' '))),
    })
  }
  return records
}
