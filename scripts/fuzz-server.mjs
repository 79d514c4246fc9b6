// Bad input over sockets: see fuzz.mjs. Each part throws when the server does not bear it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { pullFields, sendFields } from '../test/conformance/lib/remoting.mjs'
import { startServer } from '../packages/server/dist/src/index.js'
import { encodeCommand, FrameDecoder, decodeCommand } from '../packages/protocol/dist/src/index.js'
import { fuzzInputs } from '../packages/protocol/dist/test/frame.fuzz.js'

const SERVICE_MS = 10_000

/** Runs all parts against one server; returns what each did. */
export async function fuzzServer(seed, frames, idle = 5000) {
  const events = { emit: () => {} }
  const server = await startServer({
    ephemeral: true,
    namesrvPort: 0,
    brokerPort: 0,
    events,
    warn: () => {},
    set: ['defaultTopicQueueNums=4'],
  })
  const port = server.brokerPort
  try {
    const before = process.memoryUsage().rss
    const result = {
      frames: await sendFrames(port, port, seed, frames),
      namesrvFrames: await sendFrames(server.namesrvPort, port, seed + 1, Math.ceil(frames / 10)),
      idle: await idleConnections(port, idle),
      halfOpen: await halfFrames(port, 500),
      unread: await neverRead(port),
    }
    result.rssGrewMiB = Math.round((process.memoryUsage().rss - before) / 2 ** 20)
    assert.ok(result.rssGrewMiB < 1024, `memory grew by ${result.rssGrewMiB} MiB`)
    await serve(port)
    return result
  } finally {
    await server.stop()
  }
}

/** Sends damaged frames; whoever is thrown out comes back. Others are served all the while. */
async function sendFrames(port, brokerPort, seed, count) {
  const done = { sent: 0, closed: 0 }
  let socket = await connect(port)
  for (const bytes of fuzzInputs(seed, count)) {
    if (socket.destroyed) {
      done.closed++
      socket = await connect(port)
    }
    if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    done.sent++
    // A frame that claims to be longer than it is would swallow the next ones.
    if (done.sent % 20 === 0) socket.destroy()
    if (done.sent % 5000 === 0) await serve(brokerPort)
  }
  socket.destroy()
  assert.ok(done.sent === count)
  return done
}

async function idleConnections(port, count) {
  const sockets = []
  for (let i = 0; i < count; i++) sockets.push(await connect(port))
  await serve(port)
  for (const socket of sockets) socket.destroy()
  return count
}

/** Half a frame each, and a length that promises 16 MiB. */
async function halfFrames(port, count) {
  const head = Buffer.from([0, 0xff, 0xff, 0xf0, 0, 0, 1, 0, 0x7b, 0x22, 0x63, 0x6f])
  const sockets = []
  for (let i = 0; i < count; i++) {
    const socket = await connect(port)
    socket.write(head.subarray(0, 1 + (i % head.length)))
    sockets.push(socket)
  }
  await serve(port)
  for (const socket of sockets) socket.destroy()
  return count
}

/** Asks for far more than it reads: it is no longer heard, and the others are. */
async function neverRead(port) {
  const body = Buffer.alloc(64 * 1024, 'x')
  for (let i = 0; i < 32; i++) await call(port, sendRequest('FuzzUnread', body))
  const socket = await connect(port)
  socket.pause()
  const pull = encodeCommand(pullRequest('FuzzUnread'))
  let written = 0
  for (let i = 0; i < 20_000 && !socket.destroyed; i++) {
    written++
    if (!socket.write(pull) && written > 2000) break
  }
  await serve(port)
  socket.destroy()
  return written
}

async function serve(port) {
  const answer = await call(port, sendRequest('FuzzServed', Buffer.from('served')))
  assert.equal(
    answer.code,
    0,
    `a well-behaved client was answered ${answer.code}: ${answer.remark}`,
  )
}

function sendRequest(topic, body) {
  return { code: 310, opaque: 1, fields: { ...sendFields(topic), d: '4' }, body }
}

function pullRequest(topic) {
  return { code: 11, opaque: 2, fields: pullFields('fuzz', topic, 0, 0) }
}

/** One request on a connection of its own. */
async function call(port, request) {
  const socket = await connect(port)
  const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), SERVICE_MS)
  const decoder = new FrameDecoder()
  try {
    return await new Promise((resolve, reject) => {
      socket.on('data', (chunk) => decoder.push(chunk, (frame) => resolve(decodeCommand(frame))))
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('closed without an answer')))
      socket.write(encodeCommand(request))
    })
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

async function connect(port) {
  const socket = net.connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}
