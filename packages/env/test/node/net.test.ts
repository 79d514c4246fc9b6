import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Net, Socket } from '../../src/env.ts'
import { nodeNet, nodeNetWith } from '../../src/node/net.ts'

const ways: readonly [string, Net][] = [
  ['read into a shared buffer', nodeNetWith({ isDirect: true })],
  ['read by events', nodeNetWith({ isDirect: false })],
]

interface Pair {
  readonly client: Socket
  readonly accepted: Socket
}

/** A connection to a listener of `net`; it is gone when the test ends. */
async function connectionOf(t: TestContext, net: Net): Promise<Pair> {
  let take: (socket: Socket) => void = () => undefined
  const arrived = new Promise<Socket>((resolve) => (take = resolve))
  const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
    take(socket)
  })
  const client = await nodeNet.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 5000 })
  const accepted = await arrived
  t.after(async () => {
    client.destroy()
    accepted.destroy()
    await listener.close()
  })
  return { client, accepted }
}

/** Collects what a socket receives; resolves when `bytes` have come. */
function receive(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let count = 0
    socket.handle({
      data: (chunk) => {
        pieces.push(Buffer.from(chunk))
        count += chunk.length
        if (count >= bytes) resolve(Buffer.concat(pieces))
      },
      drain: () => undefined,
      close: () => undefined,
    })
  })
}

const numbers = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => i * 7))

for (const [way, net] of ways) {
  test(`what is sent arrives in both directions, ${way}`, async (t) => {
    const { client, accepted } = await connectionOf(t, net)
    const sent = numbers(1_000_003)
    const there = receive(accepted, sent.length)
    const back = receive(client, sent.length)
    client.write(sent)
    accepted.write(sent)
    assert.ok((await there).equals(sent))
    assert.ok((await back).equals(sent))
    assert.equal(accepted.remoteAddress, '127.0.0.1')
    assert.equal(accepted.remotePort, client.localPort)
  })

  test(`what was sent before anybody handles a socket is not lost, ${way}`, async (t) => {
    const { client, accepted } = await connectionOf(t, net)
    const echoed = new Promise<void>((resolve) => {
      client.handle({
        data: () => {
          resolve()
        },
        drain: () => undefined,
        close: () => undefined,
      })
    })
    client.write(Buffer.from('early'))
    accepted.write(Buffer.from('x'))
    // By then the peer's bytes are here too.
    await echoed
    assert.equal(String(await receive(accepted, 5)), 'early')
  })

  test(`a paused socket gets nothing until it is resumed, ${way}`, async (t) => {
    const { client, accepted } = await connectionOf(t, net)
    const sent = numbers(3_000_000)
    let count = 0
    let isPaused = false
    let pauses = 0
    await new Promise<void>((resolve) => {
      accepted.handle({
        data: (chunk) => {
          assert.equal(isPaused, false)
          assert.ok(chunk.equals(sent.subarray(count, count + chunk.length)))
          count += chunk.length
          if (count === sent.length) resolve()
          else if (++pauses <= 5) {
            isPaused = true
            accepted.pause()
            setImmediate(() => {
              isPaused = false
              accepted.resume()
            })
          }
        },
        drain: () => undefined,
        close: () => undefined,
      })
      client.write(sent)
    })
    assert.ok(pauses > 0)
  })

  test(`two connections that send at once do not see each other's bytes, ${way}`, async (t) => {
    const pairs = await Promise.all([connectionOf(t, net), connectionOf(t, net)])
    const sent = pairs.map((_, i) => Buffer.alloc(500_000, i + 1))
    const all = pairs.map(({ accepted }) => receive(accepted, 500_000))
    for (const [i, { client }] of pairs.entries()) client.write(sent[i] as Buffer)
    for (const [i, received] of (await Promise.all(all)).entries()) {
      assert.ok(received.equals(sent[i] as Buffer))
    }
  })

  test(`a socket hears once that its peer is gone, ${way}`, async (t) => {
    const { client, accepted } = await connectionOf(t, net)
    let closes = 0
    const gone = new Promise<void>((resolve) => {
      accepted.handle({
        data: () => undefined,
        drain: () => undefined,
        close: () => {
          closes++
          resolve()
        },
      })
    })
    client.end()
    await gone
    accepted.destroy()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(closes, 1)
  })
}

test('a write that the host accepts in parts shows progress before it ends', async (t) => {
  const { client, accepted } = await connectionOf(t, nodeNet)
  client.handle({ data: () => undefined, drain: () => undefined, close: () => undefined })
  const total = 64 * 1024 * 1024
  client.write(Buffer.alloc(total))
  const before = client.progress
  assert.equal(client.queuedBytes, total)
  let goesOn = false
  const steps = new Set<number | undefined>([before])
  const all = new Promise<void>((resolve) => {
    let count = 0
    accepted.handle({
      data: (chunk) => {
        count += chunk.length
        steps.add(client.progress)
        if (client.queuedBytes === total && client.progress !== before) goesOn = true
        if (count === total) resolve()
      },
      drain: () => undefined,
      close: () => undefined,
    })
  })
  await all
  assert.ok(goesOn)
  assert.ok(steps.size > 2)
})
