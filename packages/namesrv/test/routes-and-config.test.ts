import assert from 'node:assert/strict'
import net from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import {
  AddWritePermOfBroker,
  DeleteKvConfig,
  DeleteTopicInNamesrv,
  encodeCommand,
  decodeCommand,
  FrameDecoder,
  GetAllTopicListFromNameserver,
  GetKvConfig,
  GetKvlistByNamespace,
  GetNamesrvConfig,
  GetRouteinfoByTopic,
  GetSystemTopicListFromNs,
  GetTopicsByCluster,
  kvTableBody,
  PutKvConfig,
  ResponseCode,
  topicListBody,
  UpdateNamesrvConfig,
  Version,
  WipeWritePermOfBroker,
  type FieldMap,
} from '@skylarkmq/protocol'
import { KvConfigCorrupt } from '../src/errors.ts'
import { nameServer, topicOf } from './support/name-server.ts'

const BROKER = {
  name: 'b',
  id: 0,
  address: '192.0.2.1:10911',
  topics: [topicOf('T'), topicOf('U')],
}

/** The body of the answer to a route request of a client of some version. */
async function routeText(port: number, version: number, more: FieldMap = {}): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  const fields = { topic: 'T', ...more }
  socket.write(encodeCommand({ code: 105, opaque: 1, version, fields }))
  let text: string | undefined
  const decoder = new FrameDecoder()
  while (text === undefined) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    decoder.push(chunk, (frame) => {
      text = decodeCommand(frame).body?.toString() ?? ''
    })
  }
  socket.destroy()
  return text
}

const standard =
  '{"brokerDatas":[{"brokerAddrs":{"0":"192.0.2.1:10911"},"brokerName":"b","cluster":"C","enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}'

// Reference: `ClientRequestProcessor.java`; the text is what a 5.3.3 name server answers.
test('a route is the very text that Apache sends: standard JSON for new clients, bare numbers for old ones', async (t) => {
  const { peer, port } = await nameServer(t)
  await peer().register(BROKER)
  const old = standard.replace('"0"', '0')
  assert.equal(await routeText(port, Version.V5_3_3), standard)
  assert.equal(await routeText(port, Version.V4_9_4), standard)
  assert.equal(await routeText(port, Version.V4_9_3), old)
  assert.equal(await routeText(port, Version.V4_9_3, { acceptStandardJsonOnly: 'true' }), standard)
})

test('an unknown topic is answered with code 17 and the remark that clients match on', async (t) => {
  const { peer } = await nameServer(t)
  const answer = await peer().ask(GetRouteinfoByTopic, { topic: 'Nope' })
  assert.equal(answer.code, ResponseCode.TOPIC_NOT_EXIST)
  const start = 'No topic route info in name server for the topic: Nope\nSee https://'
  assert.ok(answer.remark?.startsWith(start), answer.remark)
})

test('order configuration is in the route only when orderMessageEnable is on', async (t) => {
  const { peer, port } = await nameServer(t)
  await peer().register(BROKER)
  const put = { namespace: 'ORDER_TOPIC_CONFIG', key: 'T', value: 'b:4' }
  await peer().ask(PutKvConfig, put)
  assert.equal(await routeText(port, Version.V5_3_3), standard)
  await peer().ask(UpdateNamesrvConfig, {}, Buffer.from('orderMessageEnable=true\n'))
  assert.match(await routeText(port, Version.V5_3_3), /"orderTopicConf":"b:4"/)
})

test('a name server that is to wait for brokers answers no route before its time', async (t) => {
  const { peer, clock } = await nameServer(t, {
    needWaitForService: true,
    waitSecondsForService: 45,
  })
  await peer().register(BROKER)
  const early = await peer().ask(GetRouteinfoByTopic, { topic: 'T' })
  assert.equal(early.code, ResponseCode.SYSTEM_ERROR)
  assert.equal(early.remark, 'name server not ready')
  clock.advance(45_000)
  assert.equal((await peer().ask(GetRouteinfoByTopic, { topic: 'T' })).code, 0)
})

test('write permission of a broker can be revoked and restored, and the counts are returned', async (t) => {
  const { peer, port } = await nameServer(t)
  await peer().register(BROKER)
  const wiped = await peer().ask(WipeWritePermOfBroker, { brokerName: 'b' })
  assert.equal(wiped.header().wipeTopicCount, 2)
  assert.match(await routeText(port, Version.V5_3_3), /"perm":4/)
  const added = await peer().ask(AddWritePermOfBroker, { brokerName: 'b' })
  assert.equal(added.header().addTopicCount, 2)
  assert.match(await routeText(port, Version.V5_3_3), /"perm":6/)
  const none = await peer().ask(WipeWritePermOfBroker, { brokerName: 'nobody' })
  assert.equal(none.header().wipeTopicCount, 0)
})

test('keys and values can be set, read, listed and deleted, and outlive a restart', async (t) => {
  const disk = memoryDisk(() => 0)
  const first = await nameServer(t, {}, disk)
  const peer = first.peer()
  const at = { namespace: 'N', key: 'k' }
  const missing = await peer.ask(GetKvConfig, at)
  assert.equal(missing.code, ResponseCode.QUERY_NOT_FOUND)
  assert.equal(missing.remark, 'No config item, Namespace: N Key: k')
  await peer.ask(PutKvConfig, { ...at, value: 'ü=1' })
  await peer.ask(PutKvConfig, { ...at, key: 'gone', value: 'x' })
  await peer.ask(DeleteKvConfig, { ...at, key: 'gone' })

  const second = (await nameServer(t, {}, disk)).peer()
  assert.equal((await second.ask(GetKvConfig, at)).header().value, 'ü=1')
  const { body } = await second.ask(GetKvlistByNamespace, { namespace: 'N' })
  assert.deepEqual([...kvTableBody.decode(body).table], [['k', 'ü=1']])
  const other = await second.ask(GetKvlistByNamespace, { namespace: 'M' })
  assert.equal(other.code, ResponseCode.QUERY_NOT_FOUND)
})

test('a file of keys and values that says nothing is refused by its name and stays as it is', async (t) => {
  const path = '/memory/namesrv/kvConfig.json'
  const odd = ['{"configTable":[]}', '{"configTable":{"N":5}}', '{"configTable":{"N":{"k":{}}}}']
  for (const text of ['', 'null', '[]', '"text"', '{"configTable":{', ...odd]) {
    const disk = memoryDisk(() => 0)
    disk.makeDirectory('/memory/namesrv')
    disk.writeFile(path, Buffer.from(text))
    await assert.rejects(
      nameServer(t, {}, disk),
      (error) => error instanceof KvConfigCorrupt && error.message.includes(path),
      text,
    )
    assert.equal(disk.readFile(path)?.toString(), text)
  }
})

test('paths and listed keys cannot be changed over the network, and then nothing is', async (t) => {
  const { peer } = await nameServer(t)
  const change = (text: string) => peer().ask(UpdateNamesrvConfig, {}, Buffer.from(text))
  for (const key of ['kvConfigPath', 'configStorePath', 'rocketmqHome', 'configBlackList']) {
    const answer = await change(`orderMessageEnable=true\n${key}=/etc/passwd\n`)
    assert.equal(answer.code, ResponseCode.NO_PERMISSION, key)
    assert.match(answer.remark ?? '', /^Can not update config in black list/)
  }
  assert.equal((await change('orderMessageEnable=perhaps\n')).code, ResponseCode.SYSTEM_ERROR)
  const config = async () => (await peer().ask(GetNamesrvConfig, {})).body?.toString() ?? ''
  // Limits, and whose word counts, are no matter for those whom they are about; unset they are not shown.
  for (const text of [
    'maxKvBytes=2000000000',
    'proxyProtocolTrustedAddresses=0.0.0.0/0',
    'configSaveInterval=60000',
  ])
    assert.equal((await change(text)).code, ResponseCode.NO_PERMISSION, text)
  assert.doesNotMatch(await config(), /^(maxKvBytes|maxRoutes|proxyProtocol)/m)
  assert.match(await config(), /^orderMessageEnable=false$/m)
  await change('orderMessageEnable=true\nunknownKey=1\n')
  assert.match(await config(), /^orderMessageEnable=true$/m)
  const lines = (await config()).trimEnd().split('\n')
  assert.deepEqual(lines, [...lines].sort())
})

test('topics are listed: all, those of a cluster, and names of clusters and brokers as system topics', async (t) => {
  const { peer } = await nameServer(t)
  await peer().register(BROKER)
  const all = topicListBody.decode((await peer().ask(GetAllTopicListFromNameserver, {})).body)
  assert.deepEqual([...all.topicList].sort(), ['T', 'U'])
  const of = async (cluster: string) =>
    topicListBody.decode((await peer().ask(GetTopicsByCluster, { cluster })).body).topicList
  assert.deepEqual([...(await of('C'))].sort(), ['T', 'U'])
  assert.deepEqual(await of('nowhere'), [])
  const system = topicListBody.decode((await peer().ask(GetSystemTopicListFromNs, {})).body)
  assert.deepEqual([...system.topicList].sort(), ['C', 'b'])
  assert.equal(system.brokerAddr, BROKER.address)
})

test('a topic that is deleted is gone from its route and from the lists', async (t) => {
  const { peer } = await nameServer(t)
  await peer().register(BROKER)
  await peer().ask(DeleteTopicInNamesrv, { topic: 'T' })
  const answer = await peer().ask(GetRouteinfoByTopic, { topic: 'T' })
  assert.equal(answer.code, ResponseCode.TOPIC_NOT_EXIST)
})

test('a settings file that is cut short gives way to the one before the last change', async (t) => {
  const disk = memoryDisk(() => 0)
  const path = '/memory/namesrv/kvConfig.json'
  const first = await nameServer(t, { configSaveInterval: 0 }, disk)
  for (const key of ['a', 'b']) {
    const answer = await first.peer().ask(PutKvConfig, { namespace: 'N', key, value: '1' })
    assert.equal(answer.code, 0)
  }
  disk.writeFile(path, disk.readFile(path)!.subarray(0, 20))
  const { peer } = await nameServer(t, {}, disk)
  const { body } = await peer().ask(GetKvlistByNamespace, { namespace: 'N' })
  assert.deepEqual([...kvTableBody.decode(body).table.keys()], ['a'])
})
