import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { RocketMQ } from '@skylarkmq/client'
import { memoryDisk } from '@skylarkmq/env'
import { startServer as startTestServer } from '@skylarkmq/testing'
import { failure } from '../src/doctor/failure.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { run, runOn, serverFor } from './command-line.ts'

/** What doctor finds, with its exit code. */
async function doctor(...args: readonly string[]) {
  const { code, out } = await run('doctor', '-o', 'json', '--timeout', '1s', ...args)
  const findings = JSON.parse(out) as Finding[]
  return { code, findings, wrong: findings.filter(({ level }) => level !== 'ok') }
}

async function testServer(t: TestContext) {
  const server = await startTestServer({ topics: { Orders: 1 } })
  t.after(() => server.close())
  return server
}

/** Asserts that one thing is wrong, with words of what it is and of what to do. */
function one(wrong: readonly Finding[], check: string, says: RegExp, remedy: RegExp): void {
  assert.equal(wrong.length, 1, JSON.stringify(wrong))
  assert.equal(wrong[0]?.check, check)
  assert.match(wrong[0].says, says)
  assert.match(wrong[0].remedy ?? '', remedy)
}

test('a cluster that is well is said to be, with code 0', async (t) => {
  const { nameServers } = await testServer(t)
  const { code, findings, wrong } = await doctor('-n', nameServers)
  assert.deepEqual([code, wrong], [0, []])
  assert.deepEqual(
    findings.map(({ check }) => check),
    ['name server', 'broker'],
  )
  const people = await runOn(100, ['doctor', '-n', nameServers])
  assert.match(people.out, /^✓ name server \S+ answers \(\d+ ms\)\n✓ broker-a answers at /)
  assert.equal(people.error, '0 problems, 0 warnings\n')
})

test('an address that clients do not reach is named, with the setting', async (t) => {
  const { namesrvAddr } = await serverFor(t, { ephemeral: true, set: ['brokerIP1=127.0.0.2'] })
  const { code, wrong } = await doctor('-n', namesrvAddr)
  assert.equal(code, 7)
  one(wrong, 'broker', /connect to 127\.0\.0\.2:\d+; from here that is refused/, /brokerIP1/)
})

test('a broker that was killed has left the name server, and that is told', async (t) => {
  const server = await testServer(t)
  server.broker.kill()
  const { wrong } = await doctor('-n', server.nameServers)
  one(wrong, 'no broker', /no broker is registered/, /Start one/)
})

test('a name server without brokers is told from one that is not there', async (t) => {
  const { namesrvAddr } = await serverFor(t, { broker: false, ephemeral: true })
  one(
    (await doctor('-n', namesrvAddr)).wrong,
    'no broker',
    /no broker is registered/,
    /namesrvAddr/,
  )
  const { wrong } = await doctor('-n', '127.0.0.1:1')
  one(wrong, 'name server', /127\.0\.0\.1:1 does not listen/, /Start it/)
})

test('a clock that differs is told', async (t) => {
  const server = await testServer(t)
  await server.clock.advance('1h')
  const { wrong } = await doctor('-n', server.nameServers)
  one(wrong, 'clock', /36\d\d s ahead of this host's/, /NTP/)
})

test('a disk that is nearly full is told, and a full one is a problem', async (t) => {
  for (const [used, level] of [
    [0.87, 'warning'],
    [0.95, 'problem'],
  ] as const) {
    const free = 1000 * (1 - used)
    const { namesrvAddr } = await serverFor(t, {
      ephemeral: true,
      env: (own) => ({
        ...own,
        disk: {
          ...memoryDisk(() => own.clock.now()),
          usage: () => ({ totalBytes: 1000, freeBytes: free, availableBytes: free }),
        },
      }),
    })
    const { wrong } = await doctor('-n', namesrvAddr)
    one(wrong, 'disk', new RegExp(`${used * 100} % full`), /fileReservedTime/)
    assert.equal(wrong[0]?.level, level)
  }
})

test('members that want different things are told', async (t) => {
  const { nameServers } = await testServer(t)
  const clients = ['a', 'b'].map(() => new RocketMQ({ nameServers }))
  t.after(() => Promise.all(clients.map((each) => each.close())))
  for (const [i, mq] of clients.entries()) {
    const subscriptions = { Orders: i === 0 ? 'paid' : 'refunded' }
    await (await mq.consumer({ group: 'billing', subscriptions })).run(() => undefined)
  }
  const find = async (): Promise<Finding[]> =>
    (await doctor('-n', nameServers)).wrong.filter(({ check }) => check === 'subscriptions')
  let found = await find()
  while (found.length === 0) found = await find()
  one(found, 'subscriptions', /members of billing want different things of Orders/, /two groups/i)
})

test('a group that is behind with nobody there, and one that never came, are told', async (t) => {
  const server = await testServer(t)
  const mq = server.client()
  const producer = await mq.producer()
  await producer.send({ topic: 'Orders', body: 'one' })
  await mq.admin().groups.create('billing')
  await mq.admin().groups.resetOffsets('billing', 'Orders', { to: 'first' })
  const { wrong } = await doctor('-n', server.nameServers)
  one(wrong, 'group', /billing is 1 messages behind, and no member/, /Start a consumer/)
  const unknown = await doctor('-n', server.nameServers, '--group', 'biling')
  one(unknown.wrong, 'group', /biling has never consumed/, /whether its group has this name/)
})

test('a port that speaks another protocol is told', async (t) => {
  const web = http.createServer((_, answer) => answer.end('hello'))
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  t.after(() => web.close())
  const { port } = web.address() as AddressInfo
  const { wrong } = await doctor('-n', `127.0.0.1:${port}`)
  assert.equal(wrong.length, 1)
  assert.match(wrong[0]?.remedy ?? '', /port of a name server/, JSON.stringify(wrong))
})

test('what keeps a server from answering is told by kind', () => {
  const kinds: readonly (readonly [string, RegExp])[] = [
    [
      'CODE: 1 org.apache.rocketmq.acl.common.AclException: No accessKey is configured',
      /access key/,
    ],
    ['connect to broker:10911 timed out after 3000 ms', /firewall/],
    ['getaddrinfo ENOTFOUND broker', /IP address/],
    ['something else', /log/],
  ]
  for (const [text, remedy] of kinds) {
    assert.match(failure(new Error(text), 'broker-a', 'broker').remedy, remedy, text)
  }
})
