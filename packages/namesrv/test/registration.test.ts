import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BrokerHeartbeat,
  clusterInfoBody,
  dataVersionBody,
  decodeTopicRouteData,
  GetBrokerClusterInfo,
  GetRouteinfoByTopic,
  Perm,
  PutKvConfig,
  kvTableBody,
  QueryDataVersion,
  ResponseCode,
  UnregisterBroker,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import { nameServer, topicOf, type Peer } from './support/name-server.ts'

const MASTER = {
  name: 'a',
  id: 0,
  address: '192.0.2.1:10911',
  topics: [topicOf('T'), topicOf('U')],
}
const SLAVE = { ...MASTER, id: 1, address: '192.0.2.2:10911' }

async function routeOf(peer: Peer, topic = 'T'): Promise<TopicRouteData | undefined> {
  const answer = await peer.ask(GetRouteinfoByTopic, { topic })
  if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return undefined
  assert.ok(answer.body !== undefined)
  return decodeTopicRouteData(answer.body)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve))
}

// Reference of this file: `RouteInfoManager.java`, registerBroker and unRegisterBroker.
test('a broker that registers is in the routes of its topics', async (t) => {
  const { peer } = await nameServer(t)
  const broker = peer()
  assert.equal((await broker.register(MASTER)).code, 0)
  const route = await routeOf(peer())
  assert.deepEqual(route?.queueDatas, [
    { brokerName: 'a', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 },
  ])
  assert.deepEqual([...(route.brokerDatas[0]?.brokerAddrs ?? [])], [[0, MASTER.address]])
})

test('a body whose CRC is wrong is refused, and nothing is registered', async (t) => {
  const { peer } = await nameServer(t)
  const answer = await peer().register({ ...MASTER, header: { bodyCrc32: 12345 } })
  assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
  assert.equal(answer.remark, 'crc32 not match')
  assert.equal(await routeOf(peer()), undefined)
})

test('a single topic is refused before the broker has registered all', async (t) => {
  const { peer } = await nameServer(t)
  const broker = peer()
  const single = { ...MASTER, topics: [topicOf('T')] }
  const answer = await broker.register(single)
  assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
  assert.equal(answer.remark, 'register broker failed')
  await broker.register(MASTER)
  assert.equal((await broker.register({ ...single, counter: 2 })).code, 0)
})

test('a slave learns its master, and its topics are ignored', async (t) => {
  const { peer } = await nameServer(t)
  await peer().register(MASTER)
  const answer = await peer().register({ ...SLAVE, topics: [topicOf('S1'), topicOf('S2')] })
  assert.deepEqual(
    { ...answer.header() },
    {
      masterAddr: MASTER.address,
      haServerAddr: `${MASTER.address}2`,
    },
  )
  assert.equal(await routeOf(peer(), 'S1'), undefined)
  assert.equal((await routeOf(peer()))?.brokerDatas[0]?.brokerAddrs.size, 2)
})

test('a slave that becomes master has its old id no longer', async (t) => {
  const { peer } = await nameServer(t)
  const broker = peer()
  await peer().register(MASTER)
  await broker.register(SLAVE)
  await broker.register({ ...SLAVE, id: 0, stateVersion: 1 })
  const addresses = (await routeOf(peer()))?.brokerDatas[0]?.brokerAddrs ?? new Map()
  assert.deepEqual([...addresses], [[0, SLAVE.address]])
})

test('a broker whose id is held by another with a newer state is answered, but not put in', async (t) => {
  const { peer } = await nameServer(t)
  await peer().register({ ...MASTER, stateVersion: 5 })
  const old = await peer().register({ ...MASTER, address: '192.0.2.9:10911', stateVersion: 4 })
  assert.equal(old.code, 0)
  const addresses = (await routeOf(peer()))?.brokerDatas[0]?.brokerAddrs ?? new Map()
  assert.deepEqual([...addresses], [[0, MASTER.address]])
})

test('topics change only with the version, except those that are missing', async (t) => {
  const { peer } = await nameServer(t)
  const broker = peer()
  await broker.register(MASTER)
  const changed = [topicOf('T', Perm.READ), topicOf('New')]
  await broker.register({ ...MASTER, topics: changed })
  assert.equal((await routeOf(peer()))?.queueDatas[0]?.perm, 6)
  assert.ok((await routeOf(peer(), 'New')) !== undefined)
  await broker.register({ ...MASTER, topics: changed, counter: 2 })
  assert.equal((await routeOf(peer()))?.queueDatas[0]?.perm, Perm.READ)
  assert.ok((await routeOf(peer(), 'U')) !== undefined, 'a registration deletes no topic')
})

test('with deleteTopicWithBrokerRegistration a topic that is missing in a registration goes', async (t) => {
  const { peer } = await nameServer(t, { deleteTopicWithBrokerRegistration: true })
  const broker = peer()
  await broker.register(MASTER)
  await broker.register({ ...MASTER, topics: [topicOf('T')], counter: 2 })
  assert.equal(await routeOf(peer(), 'U'), undefined)
})

test('a registering broker is given the topics in order', async (t) => {
  const { peer } = await nameServer(t)
  assert.equal((await peer().register(MASTER)).body, undefined)
  const put = { namespace: 'ORDER_TOPIC_CONFIG', key: 'T', value: 'a:4' }
  await peer().ask(PutKvConfig, put)
  const { body } = await peer().register({ ...MASTER, name: 'b', address: '192.0.2.5:1' })
  assert.deepEqual([...kvTableBody.decode(body).table], [['T', 'a:4']])
})

test('a broker that is silent for longer than it promised leaves the routes; heartbeats and version queries keep it', async (t) => {
  const { peer, clock } = await nameServer(t)
  const asking = peer()
  await asking.register({ ...MASTER, header: { heartbeatTimeoutMillis: 60_000 } })
  const id = {
    brokerName: 'a',
    brokerAddr: MASTER.address,
    clusterName: 'C',
    brokerId: 0,
  }
  clock.advance(50_000)
  assert.equal((await asking.ask(BrokerHeartbeat, id)).code, 0)
  clock.advance(50_000)
  const version = dataVersionBody.encode({ stateVersion: 0, timestamp: 1, counter: 1 })
  assert.equal((await asking.ask(QueryDataVersion, id, version)).header().changed, false)
  clock.advance(50_000)
  // The wall clock is set; that says nothing of brokers.
  clock.jump(86_400_000)
  clock.advance(1)
  assert.ok((await routeOf(peer())) !== undefined)
  clock.advance(15_000)
  assert.equal(await routeOf(peer()), undefined)
  assert.equal((await peer().ask(BrokerHeartbeat, id)).code, 0, 'an unknown one is answered alike')
})

test('a broker asks whether its version is known: another or none has to be registered', async (t) => {
  const { peer } = await nameServer(t)
  const id = { brokerName: 'a', brokerAddr: MASTER.address, clusterName: 'C', brokerId: 0 }
  const asked = dataVersionBody.encode({ stateVersion: 0, timestamp: 1, counter: 2 })
  const unknown = await peer().ask(QueryDataVersion, id, asked)
  assert.equal(unknown.header().changed, true)
  assert.equal(unknown.body, undefined)
  await peer().register(MASTER)
  const other = await peer().ask(QueryDataVersion, id, asked)
  assert.equal(other.header().changed, true)
  assert.equal(dataVersionBody.decode(other.body).counter, 1)
})

test('a broker whose connection closes leaves at once, without waiting for its time', async (t) => {
  const { peer } = await nameServer(t)
  const broker = peer()
  await broker.register(MASTER)
  broker.leave()
  const asking = peer()
  await until(async () => (await routeOf(asking)) === undefined)
  const { body } = await asking.ask(GetBrokerClusterInfo, {})
  assert.equal(clusterInfoBody.decode(body).clusterAddrTable.size, 0)
})

test('a master that leaves its slave behind keeps its topics, readable from the slave', async (t) => {
  const { peer } = await nameServer(t)
  await peer().register(MASTER)
  await peer().register(SLAVE)
  const { address: brokerAddr } = MASTER
  const id = { brokerName: 'a', brokerAddr, clusterName: 'C', brokerId: 0 }
  assert.equal((await peer().ask(UnregisterBroker, id)).code, 0)
  const route = await routeOf(peer())
  assert.deepEqual([...(route?.brokerDatas[0]?.brokerAddrs ?? [])], [[1, SLAVE.address]])
  assert.equal(route?.queueDatas[0]?.perm, 6)
})

test('with acting masters, topics of a group without master lose write permission', async (t) => {
  const { peer } = await nameServer(t, { supportActingMaster: true })
  const header = { enableActingMaster: true }
  await peer().register({ ...MASTER, header })
  await peer().register({ ...SLAVE, header })
  const { address: brokerAddr } = MASTER
  await peer().ask(UnregisterBroker, { brokerName: 'a', brokerAddr, clusterName: 'C', brokerId: 0 })
  const route = await routeOf(peer())
  assert.equal(route?.queueDatas[0]?.perm, Perm.READ)
  assert.deepEqual([...(route.brokerDatas[0]?.brokerAddrs ?? [])], [[0, SLAVE.address]])
})
