/**
 * Requests of any shape against a broker, a name server and a client in this process, without sockets, their disk in memory:
 * nothing that is asked of them touches anything else. Looked for: errors that nobody caught, errors of the program that
 * a boundary caught, and answers that took long for their bytes.
 *
 *   node test/fuzz/fuzz-requests.mjs [SEED [COUNT]]
 */
import { pathToFileURL } from 'node:url'
import { memoryDisk, nodeEnv } from '../../packages/env/dist/src/index.js'
import {
  brokerRequests,
  defaultsOf,
  namesrvRequests,
} from '../../packages/protocol/dist/src/index.js'
import { allBrokerOptions, Broker } from '../../packages/broker/dist/src/index.js'
import { NameServer, namesrvOptions } from '../../packages/namesrv/dist/src/index.js'
import { playClient } from './client.mjs'
import { RequestMaker } from './requests.mjs'

/** Requests of one pair of servers; then others take their place, so that memory stays small. */
const ROUND = 20_000
/** Requests that arrive in one turn. */
const TURN = 64
const CONNECTIONS = 8
const SLOWEST = 10

/** Plays `count` requests; throws when something was not as it must be. */
export async function fuzzRequests(seed, count) {
  const found = new Map()
  const note = (kind, error) => {
    const text = `${kind}: ${error?.stack ?? error}`.split('\n').slice(0, 4).join(' ')
    found.set(text, (found.get(text) ?? 0) + 1)
  }
  const uncaught = (error) => note('nobody caught', error)
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  const result = { requests: 0, answers: 0, closed: 0, slowest: [], longestTurnMs: 0 }
  try {
    await playClient(seed, Math.ceil(count / 10), result, note)
    for (let round = 0; result.requests < count; round++) {
      await playRound(seed + round * 7919, Math.min(ROUND, count - result.requests), result, note)
    }
  } finally {
    process.off('uncaughtException', uncaught)
    process.off('unhandledRejection', uncaught)
  }
  return { ...result, found: [...found].map(([text, times]) => `${times} × ${text}`) }
}

async function playRound(seed, count, result, note) {
  const events = {
    emit: ({ name, level }, values) => {
      if (level === 'error' && name.startsWith('remoting.')) note(name, values.reason)
    },
  }
  const names = await target(events, (env) => {
    const config = {
      ...defaultsOf(namesrvOptions),
      listenPort: 9876,
      kvConfigPath: '/memory/kv.json',
    }
    return new NameServer(env, config)
  })
  const broker = await target(events, (env) => {
    const config = {
      ...defaultsOf(allBrokerOptions),
      storeHost: { address: Uint8Array.of(127, 0, 0, 1), port: 10911 },
      physicalMemoryBytes: 1024 ** 3,
      storePathRootDir: '/memory',
      mappedFileSizeCommitLog: 4 * 1024 * 1024,
      timerWheelEnable: seed % 2 === 0,
      enableLmq: seed % 3 === 0,
      listenPort: 10911,
      brokerIP1: '127.0.0.1',
      namesrvAddr: '',
    }
    return new Broker(env, config)
  })
  const targets = [
    { ...broker, maker: new RequestMaker(brokerRequests, seed), share: 4 },
    { ...names, maker: new RequestMaker(namesrvRequests, seed + 1), share: 1 },
  ]
  for (let sent = 0; sent < count;) {
    const began = performance.now()
    for (const { sockets, join, maker, share } of targets) {
      for (let left = (TURN * share) / 4; left > 0; left--) {
        const at = left % CONNECTIONS
        if (sockets[at] === undefined || sockets[at].isDestroyed) {
          if (sockets[at] !== undefined) {
            result.closed++
            result.answers += sockets[at].answers
          }
          sockets[at] = join()
        }
        const { name, frame } = maker.next(++sent)
        play(sockets[at], name, frame, result)
      }
    }
    const turnMs = performance.now() - began
    await new Promise((resolve) => setImmediate(resolve))
    result.longestTurnMs = Math.max(result.longestTurnMs, turnMs, performance.now() - began)
  }
  result.requests += count
  // Held pulls are answered when their server stops.
  for (const { sockets, server } of targets) {
    for (const socket of sockets) result.answers += socket?.answers ?? 0
    await server.stop()
  }
}

function play(socket, name, frame, result) {
  const { slowest } = result
  const isSlow = (ms) => {
    const least = slowest.length < SLOWEST ? 0 : slowest[SLOWEST - 1].msPerKiB
    return ms / Math.max(1, frame.length / 1024) > least
  }
  let ms = timeOf(socket, frame)
  // What was slow once may have met the collection of garbage.
  for (let again = 0; again < 2 && isSlow(ms); again++) ms = Math.min(ms, timeOf(socket, frame))
  if (!isSlow(ms)) return
  const msPerKiB = Number((ms / Math.max(1, frame.length / 1024)).toFixed(2))
  slowest.push({ name, bytes: frame.length, ms: Number(ms.toFixed(2)), msPerKiB })
  slowest.sort((one, other) => other.msPerKiB - one.msPerKiB)
  slowest.length = Math.min(slowest.length, SLOWEST)
}

function timeOf(socket, frame) {
  const began = performance.now()
  socket.events.data(frame)
  return performance.now() - began
}

/** A server whose sockets are here. */
async function target(events, make) {
  let accept
  const disk = memoryDisk(() => Date.now())
  disk.makeDirectory('/memory')
  const env = {
    ...nodeEnv(events),
    disk,
    net: {
      listen: ({ port }, f) => {
        accept ??= f
        return Promise.resolve({ address: '127.0.0.1', port, close: () => Promise.resolve() })
      },
      connect: () =>
        Promise.reject(Object.assign(new Error('no network'), { code: 'ECONNREFUSED' })),
      addresses: () => ['127.0.0.1'],
    },
  }
  const server = make(env)
  if (server.listen !== undefined) await server.listen()
  await server.start()
  const join = () => {
    const socket = new Wire()
    accept(socket)
    return socket
  }
  return { server, join, sockets: [] }
}

/** A connection whose peer reads all at once. */
class Wire {
  remoteAddress = '192.0.2.1'
  remotePort = 5000
  localAddress = '127.0.0.1'
  localPort = 10911
  queuedBytes = 0
  isDestroyed = false
  answers = 0
  events

  handle(events) {
    this.events = events
  }

  write(bytes) {
    for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readInt32BE(at)) this.answers++
    return true
  }

  pause() {}
  resume() {}
  end() {
    this.destroy()
  }

  destroy() {
    if (this.isDestroyed) return
    this.isDestroyed = true
    queueMicrotask(() => this.events?.close(undefined))
  }
}

/** Prints what came of it; whether nothing was found. */
export function tell({ slowest, found, ...counts }) {
  console.log(`requests: ${JSON.stringify(counts)}`)
  for (const each of slowest) console.log(`  slow: ${JSON.stringify(each)}`)
  for (const each of found) console.log(`  FOUND ${each}`)
  return found.length === 0 && counts.answers > 0
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const seed = Number(process.argv[2] ?? 1)
  const count = Number(process.argv[3] ?? 100_000)
  const began = performance.now()
  const isWell = tell(await fuzzRequests(seed, count))
  console.log(`${Math.round((performance.now() - began) / 1000)} s`)
  process.exit(isWell ? 0 : 1)
}
