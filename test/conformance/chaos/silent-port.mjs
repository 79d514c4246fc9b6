/**
 * An address that answers no connection, not even with a refusal, as that of a host which is down: a process that listens is
 * stopped, and the places for connections that nobody has taken are filled. Linux swallows what asks for more.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { once } from 'node:events'

const LISTENER = `
const server = require('node:net').createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))
`
/** A connection that is not made in so long will not be, ms. */
const TAKEN_MS = 500
/** More than any host has for a backlog of one. */
const PLACES_MAX = 16

/** Whether a connection was made; it is kept. */
function isTaken(port, sockets) {
  const socket = connect({ port, host: '127.0.0.1' })
  sockets.push(socket)
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), TAKEN_MS)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

/** Resolves with `address` and `stop()`; undefined where the host goes on taking connections. */
export async function startSilentPort() {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] })
  const sockets = []
  const stop = () => {
    for (const each of sockets) each.destroy()
    child.kill('SIGKILL')
  }
  process.once('exit', stop)
  const [chunk] = await once(child.stdout, 'data')
  const port = Number(chunk.toString())
  child.kill('SIGSTOP')
  for (let places = 0; places < PLACES_MAX; places++) {
    if (!(await isTaken(port, sockets))) return { address: `127.0.0.1:${port}`, stop }
  }
  stop()
  return undefined
}
