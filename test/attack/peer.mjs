/** One connection of an attacker. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { frameReader } from '../conformance/lib/remoting.mjs'
import { frame } from './frames.mjs'

const ANSWER_MS = 60_000
const RESPONSE = 1

/** Opens a connection to a port of this machine. */
export async function openPeer(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  return new Peer(socket)
}

class Peer {
  #socket
  #waiting = new Map()
  #opaque = 1
  /** Resolves once the connection has ended. */
  closed
  isClosed = false
  /** Answers that nobody waited for, and requests of the other side. */
  unasked = 0

  constructor(socket) {
    this.#socket = socket
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => socket.once('close', resolve)).then(() => {
      this.isClosed = true
      for (const resolve of this.#waiting.values()) resolve(undefined)
      this.#waiting.clear()
    })
    socket.on(
      'data',
      frameReader((header, body) => {
        const waiter = this.#waiting.get(header.opaque)
        if ((header.flag & RESPONSE) === 0 || waiter === undefined) {
          this.unasked++
          return
        }
        this.#waiting.delete(header.opaque)
        waiter({
          code: header.code,
          remark: header.remark,
          fields: header.extFields ?? {},
          body: Buffer.from(body),
        })
      }),
    )
  }

  /** Writes bytes; resolves once the host took them, or the connection ended. */
  async write(bytes) {
    if (this.#socket.write(bytes)) return
    await Promise.race([new Promise((resolve) => this.#socket.once('drain', resolve)), this.closed])
  }

  /** Sends a request; resolves with its answer, or undefined when the connection ends or nothing comes. */
  async call(request, timeoutMs = ANSWER_MS) {
    const opaque = this.#opaque++
    const answer = new Promise((resolve) => this.#waiting.set(opaque, resolve))
    if (this.isClosed) return undefined
    const timer = setTimeout(() => this.#waiting.get(opaque)?.(undefined), timeoutMs)
    await this.write(frame({ ...request, opaque }))
    return answer.finally(() => clearTimeout(timer))
  }

  /** Reads no more. */
  pause() {
    this.#socket.pause()
  }

  resume() {
    this.#socket.resume()
  }

  destroy() {
    this.#socket.destroy()
  }
}
