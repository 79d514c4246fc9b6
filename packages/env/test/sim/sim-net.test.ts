import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Socket } from '../../src/env.ts'
import { SimNet, SimNode, TraceHash, World } from '../../src/sim/index.ts'

const SERVER = '10.0.0.1'
const CLIENT = '10.0.0.2'

/** Two machines, and what each of their sockets hears. */
class Two {
  readonly world: World
  readonly net: SimNet
  readonly server: SimNode
  readonly client: SimNode
  readonly accepted: Socket[] = []

  constructor(seed = 1) {
    this.world = new World(seed)
    this.net = new SimNet(this.world)
    this.server = new SimNode(this.world, { net: this.net, address: SERVER })
    this.client = new SimNode(this.world, { net: this.net, address: CLIENT })
    this.client.start()
  }

  async listen(): Promise<void> {
    await this.server.start().env.net.listen({ host: SERVER, port: 9000 }, (socket) => {
      this.accepted.push(socket)
    })
  }

  /** What a connect came to within its time: a socket, or the error's code. */
  async connect(timeoutMs = 3000, host = SERVER): Promise<Socket | string> {
    let outcome: Socket | string = 'nothing'
    this.client.process?.env.net.connect({ host, port: 9000, timeoutMs }).then(
      (socket) => {
        outcome = socket
      },
      (error: unknown) => {
        outcome = String((error as NodeJS.ErrnoException).code)
      },
    )
    await this.pass(timeoutMs)
    return outcome
  }

  /** A connection that is there: its two ends. */
  async pair(): Promise<[Socket, Socket]> {
    await this.listen()
    const client = await this.connect()
    assert.ok(typeof client !== 'string' && this.accepted[0] !== undefined)
    return [client, this.accepted[0]]
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.time + ms)
  }
}

interface Heard {
  readonly pieces: string[]
  readonly closes: (string | undefined)[]
  drains: number
}

function hear(socket: Socket): Heard {
  const heard: Heard = { pieces: [], closes: [], drains: 0 }
  socket.handle({
    data: (chunk) => {
      heard.pieces.push(String(chunk))
    },
    drain: () => {
      heard.drains++
    },
    close: (error) => {
      heard.closes.push((error as NodeJS.ErrnoException | undefined)?.code)
    },
  })
  return heard
}

test('bytes take as long as the link does, and keep their order whatever the jitter', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  const there = hear(accepted)
  Object.assign(two.net.link(CLIENT, SERVER), { delayMs: 50, jitterMs: 200 })
  for (let i = 0; i < 100; i++) client.write(Buffer.from(`${i} `))
  await two.pass(49)
  assert.deepEqual(there.pieces, [])
  await two.pass(201)
  assert.equal(there.pieces.join(''), Array.from({ length: 100 }, (_, i) => `${i} `).join(''))
})

test('bytes can come one by one, and are not valid after the call', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  two.net.link(CLIENT, SERVER).pieceBytes = 1
  const kept: Buffer[] = []
  const there: string[] = []
  accepted.handle({
    data: (chunk) => {
      kept.push(chunk)
      there.push(String(chunk))
    },
    drain: () => undefined,
    close: () => undefined,
  })
  client.write(Buffer.from('abc'))
  await two.pass(10)
  assert.deepEqual(there, ['a', 'b', 'c'])
  assert.ok(kept.every((chunk) => chunk[0] === 0xdd))
})

test('over a cut link nothing arrives until it works again, and then everything does', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  const there = hear(accepted)
  const back = hear(client)
  two.net.cut(CLIENT, SERVER, false)
  client.write(Buffer.from('there'))
  accepted.write(Buffer.from('back'))
  await two.pass(10_000)
  assert.deepEqual([there.pieces, back.pieces], [[], ['back']])
  two.net.heal(CLIENT, SERVER)
  await two.pass(1000)
  assert.deepEqual([there.pieces, there.closes, back.closes], [['there'], [], []])
})

test('a link that is cut one way lets bytes come and nobody knows that they were read', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  const there = hear(accepted)
  const back = hear(client)
  two.net.cut(SERVER, CLIENT, false)
  client.write(Buffer.alloc(1024 * 1024))
  await two.pass(10_000)
  assert.ok(there.pieces.join('').length > 0)
  assert.ok(client.queuedBytes > 0)
  assert.equal(back.drains, 0)
  two.net.healAll()
  await two.pass(2000)
  assert.equal(there.pieces.join('').length, 1024 * 1024)
  assert.equal(back.drains, 1)
})

test('a connection that is forgotten is silent for ever, until its host gives it up', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  const there = hear(accepted)
  const back = hear(client)
  assert.equal(two.net.forget(SERVER, CLIENT), 1)
  client.write(Buffer.from('anybody?'))
  await two.pass(600_000)
  assert.deepEqual([there.pieces, there.closes, back.closes], [[], [], []])
  await two.pass(400_000)
  assert.deepEqual([there.closes, back.closes], [[], ['ETIMEDOUT']])
})

test('a reset comes in the midst of what is sent, and both sides hear of it', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  const there = hear(accepted)
  const back = hear(client)
  two.net.link(CLIENT, SERVER).resets = 1
  client.write(Buffer.from('a frame of some length'))
  await two.pass(10)
  assert.ok('a frame of some length'.startsWith(there.pieces.join('')))
  assert.ok(there.pieces.join('').length < 22)
  assert.deepEqual([there.closes, back.closes], [['ECONNRESET'], ['ECONNRESET']])
  assert.equal(two.net.struck.resets, 1)
})

test('a machine that reads slowly slows down the sender', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  const there = hear(accepted)
  const back = hear(client)
  two.net.host(SERVER).readPauseMs = 10
  assert.equal(client.write(Buffer.alloc(512 * 1024)), false)
  await two.pass(500)
  assert.ok(client.queuedBytes > 0)
  const half = there.pieces.length
  assert.ok(half > 10 && half < 60, `${half} reads`)
  await two.pass(2000)
  assert.equal(client.queuedBytes, 0)
  assert.equal(back.drains, 1)
})

test('a connect is refused, is not answered, or has no name, and each has the code of the host', async () => {
  const two = new Two()
  two.net.host(SERVER)
  assert.equal(await two.connect(), 'ECONNREFUSED')
  await two.listen()
  two.net.host(SERVER).refuses = true
  assert.equal(await two.connect(), 'ECONNREFUSED')
  two.net.healAll()
  two.net.host(SERVER).isDeaf = true
  assert.equal(await two.connect(), 'ETIMEDOUT')
  two.net.healAll()
  two.net.cut(SERVER, CLIENT, false)
  assert.equal(await two.connect(), 'ETIMEDOUT')
  two.net.healAll()
  assert.equal(await two.connect(3000, '10.9.9.9'), 'ETIMEDOUT')
  assert.equal(await two.connect(3000, 'nowhere.example'), 'ENOTFOUND')
  two.net.names.set('dark.example', undefined)
  assert.equal(await two.connect(3000, 'dark.example'), 'ETIMEOUT')
  two.net.names.set('server.example', SERVER)
  assert.notEqual(typeof (await two.connect(3000, 'server.example')), 'string')
})

test('a SYN is sent again, so that a link which works in time makes the connection', async () => {
  const two = new Two()
  await two.listen()
  two.net.cut(CLIENT, SERVER)
  two.world.after(2500, () => {
    two.net.healAll()
  })
  assert.notEqual(typeof (await two.connect(4000)), 'string')
})

test('a killed process leaves its peers at once, and its port refuses until it listens again', async () => {
  const two = new Two()
  const [client] = await two.pair()
  const back = hear(client)
  two.server.kill()
  await two.pass(10)
  assert.equal(back.closes.length, 1)
  assert.equal(await two.connect(), 'ECONNREFUSED')
  await two.listen()
  assert.notEqual(typeof (await two.connect()), 'string')
})

test('a machine without power is silent; once it is up again it knows no connection', async () => {
  const two = new Two()
  const [client] = await two.pair()
  const back = hear(client)
  two.server.powerCut()
  client.write(Buffer.from('x'))
  await two.pass(10_000)
  assert.deepEqual(back.closes, [])
  assert.equal(await two.connect(), 'ETIMEDOUT')
  await two.listen()
  // What was sent is sent again by the host.
  await two.pass(1000)
  assert.deepEqual(back.closes, ['ECONNRESET'])
})

test('a process that has died hears nothing any more', async () => {
  const two = new Two()
  const [client, accepted] = await two.pair()
  const there = hear(accepted)
  client.write(Buffer.from('too late'))
  two.server.kill()
  await two.pass(1000)
  assert.deepEqual([there.pieces, there.closes], [[], []])
})

test('the same seed gives the same trace, and another seed another', async () => {
  const trace = async (seed: number): Promise<string> => {
    const two = new Two(seed)
    two.world.trace = new TraceHash()
    const [client, accepted] = await two.pair()
    hear(accepted)
    hear(client)
    Object.assign(two.net.link(CLIENT, SERVER), { jitterMs: 20, resets: 0.01 })
    for (let i = 0; i < 100; i++) {
      client.write(Buffer.from(`message ${i}`))
      await two.pass(5)
    }
    return two.world.trace.hex
  }
  assert.equal(await trace(7), await trace(7))
  assert.notEqual(await trace(7), await trace(8))
})
