import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCommand, peekCode } from '@skylarkmq/protocol'
import { RemotingServer } from '../src/remoting-server.ts'
import { FakeSocket } from './support/fake-socket.ts'
import { testEnv } from './support/test-env.ts'

const FRAME = encodeCommand({ code: 34, opaque: 1 })

/** A server with one connection that a test speaks for. */
async function served(proxyProtocolTrustedAddresses = '') {
  const env = testEnv()
  const heard: { peer: string; code: number }[] = []
  const handler = {
    dispatch: ({ peer }: { peer: string }, frame: Parameters<typeof peekCode>[0]): void =>
      void heard.push({ peer, code: peekCode(frame) }),
  }
  const server = new RemotingServer(env, handler, {
    idleMs: 120_000,
    proxyProtocolTrustedAddresses,
  })
  await server.listen('127.0.0.1', 0)
  server.serve()
  const join = (): FakeSocket => {
    const socket = new FakeSocket()
    env.accept(socket)
    return socket
  }
  return { env, server, heard, join }
}

test('a plain connection is served from its first byte', async () => {
  const { heard, join } = await served()
  join().arrives(FRAME)
  assert.deepEqual(heard, [{ peer: '192.0.2.1:5000', code: 34 }])
})

// Reference: HAProxy's `proxy-protocol.txt`, sections 2.1 and 2.2.
test('a PROXY preamble of version 1 names the peer, however it is cut', async () => {
  const bytes = Buffer.concat([
    Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.9 56324 9876\r\n'),
    FRAME,
  ])
  for (const size of [1, 5, bytes.length]) {
    const { heard, join } = await served('192.0.2.0/24')
    const socket = join()
    for (let at = 0; at < bytes.length; at += size) {
      socket.arrives(Buffer.from(bytes.subarray(at, at + size)))
    }
    assert.deepEqual(heard, [{ peer: '203.0.113.7:56324', code: 34 }])
  }
})

test('a PROXY preamble of version 2 names the peer, over IPv4 and IPv6', async () => {
  const start = '0d0a0d0a000d0a515549540a'
  const v4 = Buffer.from(`${start}2111000ccb007107c0000209dc042694`, 'hex')
  const v6Hosts = '20010db8000000000000000000000007' + '20010db8000000000000000000000009'
  const v6 = Buffer.from(`${start}21210024${v6Hosts}dc042694`, 'hex')
  const peers = []
  for (const preamble of [v4, v6]) {
    const { heard, join } = await served('192.0.2.0/24')
    join().arrives(Buffer.concat([preamble, FRAME]))
    peers.push(heard[0]?.peer)
  }
  assert.deepEqual(peers, ['203.0.113.7:56324', '2001:db8:0:0:0:0:0:7:56324'])
})

test('a check of the proxy itself keeps the address of the socket', async () => {
  const { heard, join } = await served('192.0.2.0/24')
  join().arrives(Buffer.concat([Buffer.from('PROXY UNKNOWN\r\n'), FRAME]))
  assert.equal(heard[0]?.peer, '192.0.2.1:5000')
})

test('a broken preamble and a TLS hello close the connection', async () => {
  for (const bytes of [
    Buffer.from('PROXY TCP4 nonsense\r\n'),
    Buffer.from(`PROXY ${'x'.repeat(120)}`),
    Buffer.from('1603010200', 'hex'),
  ]) {
    const { heard, join } = await served('192.0.2.0/24')
    const socket = join()
    socket.arrives(bytes)
    assert.ok(socket.isDestroyed)
    assert.deepEqual(heard, [])
  }
})

test('a PROXY preamble of a stranger closes the connection, and says which option to set', async () => {
  const preambles = ['PROXY TCP4 203.0.113.7 192.0.2.9 56324 9876\r\n', 'PROXY UNKNOWN\r\n']
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007107c0000209dc042694', 'hex')
  for (const trusted of ['', '192.0.2.2', '2001:db8::/32, 192.0.3.0/24']) {
    for (const bytes of [...preambles.map((text) => Buffer.from(text)), v2]) {
      const { env, heard, join } = await served(trusted)
      const socket = join()
      socket.arrives(Buffer.concat([bytes, FRAME]))
      socket.arrives(FRAME)
      assert.ok(socket.isDestroyed)
      assert.deepEqual(heard, [])
      assert.deepEqual(env.seen, ['remoting.proxy.untrusted'])
    }
  }
})

test('a PROXY preamble names an address and a port, or the connection is closed', async () => {
  for (const [source, port] of [
    ['evil', '1'],
    ['1.2.3.4\u001b[2J', '1'],
    ['fe80::1%eth0', '1'],
    ['1.2.3.256', '1'],
    ['1.2.3.4', '65536'],
    ['1.2.3.4', '-1'],
    ['', '1'],
  ]) {
    const { heard, join } = await served('192.0.2.1')
    const socket = join()
    const line = `PROXY TCP4 ${source ?? ''} 192.0.2.9 ${port ?? ''} 9876\r\n`
    socket.arrives(Buffer.concat([Buffer.from(line, 'latin1'), FRAME]))
    assert.ok(socket.isDestroyed, line)
    assert.deepEqual(heard, [])
  }
})

test('bytes that are no frame close their own connection and no other', async () => {
  const { heard, join, server } = await served()
  const [good, bad] = [join(), join()]
  good.arrives(FRAME)
  bad.arrives(FRAME)
  bad.arrives(Buffer.from('ffffffff00000000', 'hex'))
  assert.ok(bad.isDestroyed)
  assert.ok(!good.isDestroyed)
  good.arrives(FRAME)
  assert.equal(heard.length, 3)
  assert.equal(server.connections.size, 1)
})

test('a connection that is silent for the idle time is closed, one that speaks is not', async () => {
  const { env, join, server } = await served()
  const closed: string[] = []
  server.onClosed((connection) => closed.push(connection.peer))
  const [silent, speaking] = [join(), join()]
  silent.arrives(FRAME)
  speaking.arrives(FRAME)
  env.clock.advance(100_000)
  speaking.arrives(FRAME)
  env.clock.advance(30_000)
  assert.ok(silent.isDestroyed)
  assert.ok(!speaking.isDestroyed)
  assert.equal(closed.length, 1)
  assert.deepEqual(env.seen, ['remoting.connection.idle'])
})

test('a connection that never sends a byte is closed after the idle time', async () => {
  const { env, join } = await served()
  const socket = join()
  env.clock.advance(119_999)
  assert.ok(!socket.isDestroyed)
  env.clock.advance(1)
  assert.ok(socket.isDestroyed)
})

test('a client that connects before the server is ready is served once it is', async () => {
  const env = testEnv()
  const codes: number[] = []
  const handler = {
    dispatch: (_: unknown, frame: Parameters<typeof peekCode>[0]): void =>
      void codes.push(peekCode(frame)),
  }
  const server = new RemotingServer(env, handler)
  await server.listen('127.0.0.1', 0)
  const socket = new FakeSocket()
  env.accept(socket)
  socket.arrives(FRAME)
  assert.deepEqual(codes, [])
  server.serve()
  socket.arrives(FRAME)
  assert.deepEqual(codes, [34])
})

test('closing ends the connections that are served and those that are undecided', async () => {
  const { server, join } = await served()
  const [used, fresh] = [join(), join()]
  used.arrives(FRAME)
  await server.close()
  assert.ok(used.isEnded)
  assert.ok(fresh.isDestroyed)
})

test('a handler that throws closes only its own connection, and is reported with its stack', async () => {
  const env = testEnv()
  let failing = true
  const heard: number[] = []
  const server = new RemotingServer(env, {
    dispatch: (_, frame) => {
      if (failing) throw new TypeError('a bug')
      heard.push(peekCode(frame))
    },
  })
  const ended: string[] = []
  server.onClosed(() => {
    throw new Error('a listener fails')
  })
  server.onClosed(({ peer }) => ended.push(peer))
  await server.listen('127.0.0.1', 0)
  server.serve()
  const [bad, good] = [new FakeSocket(), new FakeSocket()]
  env.accept(bad)
  env.accept(good)
  bad.arrives(FRAME)
  failing = false
  good.arrives(FRAME)
  assert.ok(bad.isDestroyed)
  assert.ok(!good.isDestroyed)
  assert.deepEqual(heard, [34])
  assert.equal(ended.length, 1)
  assert.deepEqual(env.seen, ['remoting.connection.failed', 'remoting.connection.failed'])
})
