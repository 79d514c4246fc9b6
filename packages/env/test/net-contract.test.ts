import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Net, Socket } from '../src/env.ts'
import { nodeNet } from '../src/node/net.ts'
import { SimNet, World } from '../src/sim/index.ts'

/** What a network is for a test: whose `net` listens, whose connects, and where. */
interface Way {
  readonly server: Net
  readonly client: Net
  readonly host: string
}

/** The same assertions hold for the host's network, by loopback, and for the simulated one. */
const ways: readonly [string, (t: TestContext) => Way][] = [
  ['of the host', () => ({ server: nodeNet, client: nodeNet, host: '127.0.0.1' })],
  ['simulated', simulated],
]

function simulated(t: TestContext): Way {
  const world = new World(1)
  const net = new SimNet(world)
  let isOver = false
  t.after(() => {
    isOver = true
  })
  const pump = async (): Promise<void> => {
    while (!isOver) await world.run(world.time + 1)
  }
  void pump()
  const user = { isAlive: true }
  return {
    server: net.viewOf('10.0.0.1', user),
    client: net.viewOf('10.0.0.2', user),
    host: '10.0.0.1',
  }
}

interface Pair {
  readonly client: Socket
  readonly accepted: Socket
}

async function connectionOf(t: TestContext, { server, client: from, host }: Way): Promise<Pair> {
  let take: (socket: Socket) => void = () => undefined
  const arrived = new Promise<Socket>((resolve) => (take = resolve))
  const listener = await server.listen({ host, port: 0 }, (socket) => {
    take(socket)
  })
  const client = await from.connect({ host, port: listener.port, timeoutMs: 5000 })
  const accepted = await arrived
  t.after(async () => {
    client.destroy()
    accepted.destroy()
    await listener.close()
  })
  return { client, accepted }
}

/** What a socket heard. */
class Heard {
  readonly pieces: Buffer[] = []
  bytes = 0
  drains = 0
  readonly closes: (string | undefined)[] = []
  #waiting: { holds: () => boolean; resolve: () => void }[] = []

  constructor(socket: Socket) {
    socket.handle({
      data: (chunk) => {
        this.pieces.push(Buffer.from(chunk))
        this.bytes += chunk.length
        this.#look()
      },
      drain: () => {
        this.drains++
        this.#look()
      },
      close: (error) => {
        this.closes.push((error as NodeJS.ErrnoException | undefined)?.code)
        this.#look()
      },
    })
  }

  until(holds: (heard: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds: () => holds(this), resolve })
      this.#look()
    })
  }

  #look(): void {
    const ready = this.#waiting.filter(({ holds }) => holds())
    this.#waiting = this.#waiting.filter((each) => !ready.includes(each))
    for (const { resolve } of ready) resolve()
  }
}

const numbers = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => i * 7))

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code

for (const [name, wayOf] of ways) {
  test(`what is sent arrives whole and in order, both ways, network ${name}`, async (t) => {
    const { client, accepted } = await connectionOf(t, wayOf(t))
    const sent = numbers(1_000_003)
    const there = new Heard(accepted)
    const back = new Heard(client)
    client.write(sent)
    accepted.write(sent)
    await there.until(({ bytes }) => bytes === sent.length)
    await back.until(({ bytes }) => bytes === sent.length)
    assert.ok(Buffer.concat(there.pieces).equals(sent))
    assert.ok(Buffer.concat(back.pieces).equals(sent))
    assert.equal(accepted.remotePort, client.localPort)
    assert.equal(client.remotePort, accepted.localPort)
  })

  test(`what comes before anybody handles a socket waits for it, network ${name}`, async (t) => {
    const { client, accepted } = await connectionOf(t, wayOf(t))
    const back = new Heard(client)
    client.write(Buffer.from('early'))
    accepted.write(Buffer.from('x'))
    await back.until(({ bytes }) => bytes === 1)
    const there = new Heard(accepted)
    await there.until(({ bytes }) => bytes === 5)
    assert.equal(String(Buffer.concat(there.pieces)), 'early')
  })

  test(`a peer that does not read fills what is queued, and it drains when it does, network ${name}`, async (t) => {
    const { client, accepted } = await connectionOf(t, wayOf(t))
    const back = new Heard(client)
    const there = new Heard(accepted)
    accepted.pause()
    const piece = Buffer.alloc(1024 * 1024, 1)
    let isTaken = true
    let count = 0
    for (; count < 64 && client.queuedBytes === 0; count++) isTaken = client.write(piece)
    assert.equal(isTaken, false)
    assert.ok(client.queuedBytes > 0, 'the host has not taken all')
    assert.equal(back.drains, 0)
    accepted.resume()
    await there.until(({ bytes }) => bytes === count * piece.length)
    await back.until(({ drains }) => drains > 0)
    assert.equal(client.queuedBytes, 0)
  })

  test(`a small write is taken at once, network ${name}`, async (t) => {
    const { client, accepted } = await connectionOf(t, wayOf(t))
    new Heard(client)
    const there = new Heard(accepted)
    assert.equal(client.write(Buffer.from('small')), true)
    assert.equal(client.queuedBytes, 0)
    await there.until(({ bytes }) => bytes === 5)
  })

  test(`an end closes both sides, once each and behind all that was sent, network ${name}`, async (t) => {
    const { client, accepted } = await connectionOf(t, wayOf(t))
    const back = new Heard(client)
    const there = new Heard(accepted)
    client.write(numbers(300_000))
    client.end()
    await there.until(({ closes }) => closes.length > 0)
    await back.until(({ closes }) => closes.length > 0)
    assert.equal(there.bytes, 300_000)
    client.destroy()
    accepted.destroy()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([back.closes, there.closes], [[undefined], [undefined]])
  })

  test(`closing with unread data resets the connection, network ${name}`, async (t) => {
    const { client, accepted } = await connectionOf(t, wayOf(t))
    const back = new Heard(client)
    const there = new Heard(accepted)
    accepted.pause()
    // More than any buffer of the process holds: some of it is unread in the host.
    client.write(Buffer.alloc(8 * 1024 * 1024))
    accepted.write(Buffer.from('x'))
    await back.until(({ bytes }) => bytes === 1)
    accepted.destroy()
    await back.until(({ closes }) => closes.length > 0)
    assert.match(String(back.closes[0]), /^(ECONNRESET|EPIPE)$/)
    await there.until(({ closes }) => closes.length > 0)
    assert.deepEqual(there.closes, [undefined])
  })

  test(`a write behind the end is an error of this socket, one after its end does nothing, network ${name}`, async (t) => {
    const { client, accepted } = await connectionOf(t, wayOf(t))
    const back = new Heard(client)
    new Heard(accepted)
    client.end()
    assert.equal(client.write(Buffer.from('late')), false)
    await back.until(({ closes }) => closes.length > 0)
    assert.deepEqual(back.closes, ['ERR_STREAM_WRITE_AFTER_END'])
    assert.equal(client.write(Buffer.from('later')), false)
    assert.equal(client.queuedBytes, 0)
  })

  test(`a handler added to a closed socket is notified, network ${name}`, async (t) => {
    const { client } = await connectionOf(t, wayOf(t))
    client.destroy()
    const late = new Heard(client)
    await late.until(({ closes }) => closes.length > 0)
    assert.deepEqual(late.closes, [undefined])
  })

  test(`a listener that closes keeps its connections and takes no more, network ${name}`, async (t) => {
    const way = wayOf(t)
    const { server, client: from, host } = way
    let accepted: Socket | undefined
    const listener = await server.listen({ host, port: 0 }, (socket) => {
      accepted = socket
      socket.handle({
        data: (chunk) => socket.write(Buffer.from(chunk)),
        drain: () => undefined,
        close: () => undefined,
      })
    })
    const { port } = listener
    const client = await from.connect({ host, port, timeoutMs: 5000 })
    const back = new Heard(client)
    client.write(Buffer.from('a'))
    await back.until(({ bytes }) => bytes === 1)
    await listener.close()
    client.write(Buffer.from('b'))
    await back.until(({ bytes }) => bytes === 2)
    await assert.rejects(from.connect({ host, port, timeoutMs: 5000 }), (error) => {
      assert.equal(codeOf(error), 'ECONNREFUSED')
      return true
    })
    client.destroy()
    accepted?.destroy()
  })

  test(`a port that is taken cannot be listened on, network ${name}`, async (t) => {
    const { server, host } = wayOf(t)
    const listener = await server.listen({ host, port: 0 }, () => undefined)
    t.after(() => listener.close())
    await assert.rejects(
      server.listen({ host, port: listener.port }, () => undefined),
      (error) => {
        assert.equal(codeOf(error), 'EADDRINUSE')
        return true
      },
    )
  })
}
