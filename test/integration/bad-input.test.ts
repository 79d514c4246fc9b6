import assert from 'node:assert/strict'
import { test } from 'node:test'

interface FuzzServer {
  fuzzServer: (
    seed: number,
    frames: number,
    idle: number,
  ) => Promise<{ frames: { sent: number }; idle: number }>
}

test('a server bears damaged frames, idle and half-open connections, and a peer that never reads', async () => {
  // The same program as `npm run fuzz`, with less of everything.
  const program = new URL('../../../scripts/fuzz-server.mjs', import.meta.url).href
  const { fuzzServer } = (await import(program)) as FuzzServer
  const done = await fuzzServer(1, 2000, 500)
  assert.equal(done.frames.sent, 2000)
  assert.equal(done.idle, 500)
})
