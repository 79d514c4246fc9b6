import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeTopicRouteData,
  GetKvConfig,
  namesrvRequests,
  ResponseCode,
  topicListBody,
} from '@skylarkmq/protocol'
import { nameServer, topicOf } from './support/name-server.ts'

const BROKER = { name: 'a', id: 0, address: '192.0.2.1:10911' }

test('a topic that leads elsewhere is in no route, and those of the same broker are', async (t) => {
  const { peer } = await nameServer(t)
  const topics = ['T', '../x', 'a\x1bb', 'odd.name'].map((name) => topicOf(name))
  assert.equal((await peer().register({ ...BROKER, topics })).code, 0)
  const all = await peer().ask(namesrvRequests.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, {})
  assert.deepEqual([...topicListBody.decode(all.body).topicList].sort(), ['T', 'odd.name'])
})

test('a broker whose name, cluster or address has control characters is not registered', async (t) => {
  const { peer } = await nameServer(t)
  const topics = [topicOf('T'), topicOf('U')]
  for (const header of [
    { brokerName: 'a\r\nb' },
    { clusterName: 'a\x1b[2J' },
    { brokerAddr: '192.0.2.1:1 \x9b' },
    { haServerAddr: 'a\tb' },
    { zoneName: '\0' },
  ]) {
    const answer = await peer().register({ ...BROKER, topics, header })
    assert.equal(answer.code, ResponseCode.INVALID_PARAMETER)
    assert.doesNotMatch(answer.remark ?? '', /[\0-\x1f\x7f-\x9f]/)
  }
  const header = { clusterName: 'Mein Cluster 集群', brokerName: 'broker.1' }
  assert.equal((await peer().register({ ...BROKER, topics, header })).code, 0)
})

// Reference: what Apache 5.3.3 answers, see test/conformance/golden/fields-5.3.3.json.
test('requests that leave a field out are answered as Apache answers them', async (t) => {
  const { peer } = await nameServer(t)
  const one = peer()
  await one.register({ ...BROKER, topics: [topicOf('T'), topicOf('U')] })
  const r = namesrvRequests
  const answers: [Parameters<typeof one.askWith>[0], Record<string, string>, number][] = [
    [r.GET_ROUTEINFO_BY_TOPIC, {}, ResponseCode.TOPIC_NOT_EXIST],
    [r.GET_TOPICS_BY_CLUSTER, { clusterName: 'C' }, 0],
    [r.GET_BROKER_MEMBER_GROUP, {}, 0],
    [r.GET_KV_CONFIG, { namespace: 'n' }, ResponseCode.QUERY_NOT_FOUND],
    [r.GET_KVLIST_BY_NAMESPACE, {}, ResponseCode.QUERY_NOT_FOUND],
    [r.DELETE_KV_CONFIG, {}, 0],
    [r.PUT_KV_CONFIG, { key: 'k', value: 'v' }, 1],
    [r.UNREGISTER_BROKER, { brokerName: 'a', clusterName: 'C', brokerAddr: '192.0.2.9:1' }, 0],
    [r.WIPE_WRITE_PERM_OF_BROKER, {}, 0],
    [r.DELETE_TOPIC_IN_NAMESRV, {}, 0],
    [r.REGISTER_TOPIC_IN_NAMESRV, {}, 0],
    [r.REGISTER_BROKER, { brokerAddr: 'x:1', clusterName: 'C', brokerId: '0' }, 1],
  ]
  for (const [definition, fields, code] of answers) {
    const answer = await one.askWith(definition, fields)
    assert.equal(answer.code, code, `${definition.name} ${JSON.stringify(fields)}`)
  }
  const list = await one.askWith(r.GET_TOPICS_BY_CLUSTER, {})
  assert.deepEqual(topicListBody.decode(list.body).topicList, [])
  const route = await one.ask(r.GET_ROUTEINFO_BY_TOPIC, { topic: 'T' })
  assert.equal(decodeTopicRouteData(route.body).queueDatas[0]?.brokerName, 'a')
})

test('a key that is put without a value is not there', async (t) => {
  const { peer } = await nameServer(t)
  const key = { namespace: 'n', key: 'k' }
  await peer().askWith(namesrvRequests.PUT_KV_CONFIG, { ...key, value: 'v' })
  assert.equal((await peer().ask(GetKvConfig, key)).code, 0)
  assert.equal((await peer().askWith(namesrvRequests.PUT_KV_CONFIG, key)).code, 0)
  assert.equal((await peer().ask(GetKvConfig, key)).code, ResponseCode.QUERY_NOT_FOUND)
})
