import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { memoryDisk, type Disk } from '@skylarkmq/env'
import {
  CURRENT_VERSION,
  DeleteKvConfig,
  decodeTopicRouteData,
  encodeRegisterBrokerBody,
  GetBrokerClusterInfo,
  GetKvConfig,
  GetRouteinfoByTopic,
  clusterInfoBody,
  PutKvConfig,
  RegisterBroker,
  ResponseCode,
  type TopicConfig,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import { nameServer, topicOf, type Peer } from './support/name-server.ts'

const DATA_VERSION = { stateVersion: 0, timestamp: 1, counter: 1 }
const VICTIM = {
  name: 'victim',
  id: 0,
  address: '192.0.2.1:10911',
  topics: [topicOf('T'), topicOf('U')],
}
const STRANGER = { name: 'stranger', address: '192.0.2.66:10911' }

async function routeOf(peer: Peer, topic: string): Promise<TopicRouteData | undefined> {
  const answer = await peer.ask(GetRouteinfoByTopic, { topic, acceptStandardJsonOnly: true })
  if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return undefined
  assert.equal(answer.code, 0, answer.remark)
  return decodeTopicRouteData(answer.body ?? Buffer.alloc(0))
}

/** Registers with a body that is not necessarily what a broker sends. */
function registerWith(
  peer: Peer,
  body: Buffer,
  more: { name?: string; address?: string; cluster?: string; compressed?: boolean } = {},
) {
  const { name = STRANGER.name, address = STRANGER.address, cluster = 'C' } = more
  const header = {
    brokerName: name,
    brokerAddr: address,
    clusterName: cluster,
    haServerAddr: '',
    brokerId: 0,
    compressed: more.compressed ?? false,
    bodyCrc32: 0,
  }
  return peer.ask(RegisterBroker, header, body)
}

function bodyOf(topics: readonly TopicConfig[], mappings: Record<string, unknown> = {}): Buffer {
  return encodeRegisterBrokerBody(
    {
      filterServerList: [],
      topicConfigSerializeWrapper: {
        dataVersion: DATA_VERSION,
        topicConfigTable: new Map(topics.map((topic) => [topic.topicName, topic])),
        topicQueueMappingInfoMap: new Map(Object.entries(mappings)),
      },
    },
    { version: CURRENT_VERSION, compressed: false },
  )
}

test('a compressed registration that becomes too large is refused, with the option that decides', async (t) => {
  const { peer } = await nameServer(t, { maxRegistrationBytes: 1024 * 1024 })
  const bomb = deflateSync(Buffer.alloc(8 * 1024 * 1024))
  const answer = await registerWith(peer(), bomb, { compressed: true })
  assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
  assert.match(answer.remark ?? '', /more than 1048576: maxRegistrationBytes/)
})

test('a hundred thousand topics can be registered at once', async (t) => {
  const { peer, server } = await nameServer(t)
  const topics = Array.from({ length: 100_000 }, (_, i) =>
    topicOf(`a-topic-with-a-name-of-usual-length-${i}`),
  )
  const body = encodeRegisterBrokerBody(
    {
      filterServerList: [],
      topicConfigSerializeWrapper: {
        dataVersion: DATA_VERSION,
        topicConfigTable: new Map(topics.map((topic) => [topic.topicName, topic])),
      },
    },
    { version: CURRENT_VERSION, compressed: true },
  )
  assert.equal((await registerWith(peer(), body, { compressed: true })).code, 0)
  assert.equal(server.routes.topics.size, 100_000)
})

test('a broker that maps a topic of others, or maps in a shape that no client reads, changes no route of it', async (t) => {
  const { peer } = await nameServer(t)
  await peer().register(VICTIM)
  const before = await routeOf(peer(), 'T')
  let nested: unknown = 1
  for (let i = 0; i < 100; i++) nested = [nested]
  const good = { topic: 'T', bname: STRANGER.name, totalQueues: 1, currIdMap: { 0: 0 } }
  for (const mapping of [good, nested, 'text', 7, [], { ...good, currIdMap: nested }]) {
    assert.equal(
      (await registerWith(peer(), bodyOf([topicOf('Y'), topicOf('Z')], { T: mapping }))).code,
      0,
    )
    assert.deepEqual(await routeOf(peer(), 'T'), before)
  }
})

test('of its own topics a broker maps those that can be mapped, and a mapping goes with its topic', async (t) => {
  const { peer, server } = await nameServer(t)
  const mapping = {
    topic: 'S',
    scope: '__global__',
    totalQueues: 2,
    bname: STRANGER.name,
    epoch: 5,
    dirty: false,
    currIdMap: { 0: 0, 1: 1 },
  }
  const topics = [topicOf('S'), topicOf('P')]
  const bad = { ...mapping, topic: 'P', bname: 'another' }
  await registerWith(peer(), bodyOf(topics, { S: mapping, P: bad }))
  const mapped = (await routeOf(peer(), 'S'))?.topicQueueMappingByBroker
  assert.deepEqual(mapped?.get(STRANGER.name), mapping)
  assert.equal((await routeOf(peer(), 'P'))?.topicQueueMappingByBroker, undefined)
  server.routes.deleteTopic('S', undefined)
  assert.equal(server.routes.mappings.size, 0)
})

test('JSON that goes down too far is refused where it comes in', async (t) => {
  const { peer } = await nameServer(t)
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const body = Buffer.from(
    `{"topicConfigSerializeWrapper":{"topicConfigTable":{"T":{"topicName":"T"}},"topicQueueMappingInfoMap":{"T":${deep}}}}`,
  )
  const answer = await registerWith(peer(), body)
  assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
  assert.match(answer.remark ?? '', /levels/)
})

test('topics with impossible names or numbers are left out, and the others are registered', async (t) => {
  const { peer, server } = await nameServer(t)
  const topics = [
    topicOf('good'),
    topicOf('many', 6, 2_147_483_647),
    { ...topicOf('negative'), readQueueNums: -1 },
    { ...topicOf('half'), writeQueueNums: 1.5 },
    topicOf('control\u001b[31m'),
    topicOf('long'.repeat(200)),
  ]
  assert.equal((await registerWith(peer(), bodyOf(topics))).code, 0)
  assert.deepEqual([...server.routes.topics.keys()], ['good'])
})

test('one name in many clusters, and many names at one address, leave nothing behind when their connection ends', async (t) => {
  const { peer, server } = await nameServer(t)
  await peer().register(VICTIM)
  const stranger = peer()
  for (let i = 0; i < 40; i++) {
    const topics = bodyOf([topicOf('X'), topicOf('Y')])
    assert.equal((await registerWith(stranger, topics, { cluster: `C${i}` })).code, 0)
    await registerWith(stranger, topics, { name: `n${i}`, address: VICTIM.address })
  }
  assert.ok(server.routes.clusters.size <= 17, `${server.routes.clusters.size} clusters`)
  stranger.leave()
  while (server.routes.topics.has('X')) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([...server.routes.brokers.keys()], ['victim'])
  assert.deepEqual([...server.routes.clusters.keys()], ['C'])
  assert.equal((await routeOf(peer(), 'T'))?.brokerDatas[0]?.brokerAddrs.get(0), VICTIM.address)
})

test('brokers, routes and settings have bounds, whose options a refusal names', async (t) => {
  const { peer, server } = await nameServer(t, { maxBrokers: 2, maxRoutes: 4, maxKvBytes: 1024 })
  await peer().register(VICTIM)
  const topics = ['A', 'B', 'C', 'D'].map((name) => topicOf(name))
  assert.equal((await registerWith(peer(), bodyOf(topics))).code, 0)
  assert.deepEqual([...server.routes.topics.keys()], ['T', 'U', 'A', 'B'])
  const third = await registerWith(peer(), bodyOf(topics), {
    name: 'third',
    address: '192.0.2.7:1',
  })
  assert.equal(third.code, ResponseCode.SYSTEM_ERROR)
  assert.match(third.remark ?? '', /maxBrokers=2/)
  // Those that are there register again.
  assert.equal((await peer().register(VICTIM)).code, 0)
  const one = peer()
  const setting = (key: string, value: string) =>
    one.ask(PutKvConfig, { namespace: 'N', key, value })
  assert.equal((await setting('a', 'x')).code, 0)
  assert.match((await setting('b', 'x'.repeat(2000))).remark ?? '', /maxKvBytes=1024/)
  assert.equal((await one.ask(GetKvConfig, { namespace: 'N', key: 'b' })).code, 22)
  for (let i = 0; i < 100; i++) assert.equal((await setting('a', String(i))).code, 0)
})

test('registrations that are refused leave neither brokers nor clusters behind', async (t) => {
  const { peer, server } = await nameServer(t)
  const one = peer()
  for (let i = 0; i < 50; i++) {
    const names = { name: `n${i}`, cluster: `C${i}` }
    const { code } = await registerWith(one, bodyOf([topicOf('only')]), names)
    assert.equal(code, ResponseCode.SYSTEM_ERROR)
  }
  assert.equal(server.routes.brokers.size, 0)
  assert.equal(server.routes.clusters.size, 0)
})

test('namespaces whose keys are all gone count too', async (t) => {
  const { peer } = await nameServer(t, { maxKvBytes: 4096 })
  const one = peer()
  let refused = 0
  for (let i = 0; i < 50; i++) {
    const namespace = `N${i}`
    const { code } = await one.ask(PutKvConfig, { namespace, key: 'k', value: 'v' })
    if (code !== 0) refused++
    await one.ask(DeleteKvConfig, { namespace, key: 'k' })
  }
  assert.ok(refused > 10, `${refused} refused`)
})

test('a hundred thousand members of one broker name are no reason to fail', async (t) => {
  const { peer, server } = await nameServer(t)
  await peer().register(VICTIM)
  const group = server.routes.brokers.get('victim')
  for (let id = 1; id < 200_000; id++) group?.members.set(id, `192.0.2.9:${id}`)
  const answer = await peer().ask(GetBrokerClusterInfo, {})
  assert.equal(clusterInfoBody.decode(answer.body).brokerAddrTable.size, 1)
  assert.equal((await peer().register({ ...VICTIM, topics: [topicOf('T')] })).code, 0)
})

test('settings that change often are written once in 100 ms, and are in the file when they are answered', async (t) => {
  const disk = memoryDisk(() => 0)
  let writes = 0
  const counted: Disk = {
    ...disk,
    writeFile: (path, data) => {
      writes++
      disk.writeFile(path, data)
    },
  }
  const { peer, clock } = await nameServer(t, { configSaveInterval: 100 }, counted)
  let answered = 0
  const all = Array.from({ length: 50 }, async (_, i) => {
    const { code } = await peer().ask(PutKvConfig, { namespace: 'N', key: `k${i}`, value: 'v' })
    assert.equal(code, 0)
    const saved = disk.readFile('/memory/namesrv/kvConfig.json')?.toString() ?? ''
    assert.ok(saved.includes(`"k${i}"`), `k${i} is acknowledged and not in the file`)
    answered++
  })
  const begunMs = clock.monotonic()
  while (answered < all.length) {
    clock.advance(5)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(all)
  assert.ok(writes <= (clock.monotonic() - begunMs) / 100 + 1, `${writes} writes`)
})
