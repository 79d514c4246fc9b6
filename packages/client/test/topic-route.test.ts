import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Perm, type TopicRouteData } from '@skylarkmq/protocol'
import {
  addressesOf,
  checkedRoute,
  isSameRoute,
  publishQueues,
  readAddress,
  routeOfTemplate,
  subscribeQueues,
} from '../src/route/topic-route.ts'

const RW = Perm.READ | Perm.WRITE

/** A route of brokers, each with its members and permission; four queues to read, two to write. */
function routeOf(
  brokers: Record<string, { members: Record<number, string>; perm?: number }>,
  orderTopicConf?: string,
): TopicRouteData {
  return {
    queueDatas: Object.entries(brokers).map(([brokerName, { perm = RW }]) => ({
      brokerName,
      readQueueNums: 4,
      writeQueueNums: 2,
      perm,
      topicSysFlag: 0,
    })),
    brokerDatas: Object.entries(brokers).map(([brokerName, { members }]) => ({
      cluster: 'c',
      brokerName,
      brokerAddrs: new Map(Object.entries(members).map(([id, address]) => [Number(id), address])),
      enableActingMaster: false,
    })),
    filterServerTable: new Map(),
    orderTopicConf,
  }
}

const names = (queues: readonly { brokerName: string; queueId: number }[]): string[] =>
  queues.map((queue) => `${queue.brokerName}:${queue.queueId}`)

// Reference: `MQClientInstance.java`, topicRouteData2TopicPublishInfo.
test('queues to send to come by broker name, from writeable brokers with a master only', () => {
  const route = routeOf({
    b: { members: { 0: 'b:1' } },
    a: { members: { 0: 'a:1' } },
    slaveOnly: { members: { 1: 's:1' } },
    readOnly: { members: { 0: 'r:1' }, perm: Perm.READ },
  })
  assert.deepEqual(names(publishQueues('T', route)), ['a:0', 'a:1', 'b:0', 'b:1'])
})

test('queues to read come from readable brokers, also those with slaves only', () => {
  const route = routeOf({
    slaveOnly: { members: { 1: 's:1' } },
    writeOnly: { members: { 0: 'w:1' }, perm: Perm.WRITE },
  })
  const expected = ['slaveOnly:0', 'slaveOnly:1', 'slaveOnly:2', 'slaveOnly:3']
  assert.deepEqual(names(subscribeQueues('T', route)), expected)
})

test('a topic in order is sent to as its order configuration says', () => {
  const route = routeOf({ a: { members: { 0: 'a:1' } } }, 'a:1;b:2')
  assert.deepEqual(names(publishQueues('T', route)), ['a:0', 'b:0', 'b:1'])
})

test('a topic that brokers will make gets no more queues than the template has', () => {
  const route = routeOf({ a: { members: { 0: 'a:1' } } })
  assert.equal(publishQueues('T', routeOfTemplate(route, 3)).length, 3)
  assert.equal(publishQueues('T', routeOfTemplate(route, 99)).length, 4)
})

test('a pull goes to the suggested member, and to any other when that one is gone', () => {
  const route = routeOf({ a: { members: { 0: 'm:1', 1: 's:1' } } })
  assert.deepEqual(readAddress(route, 'a', 1), { address: 's:1', brokerId: 1 })
  assert.deepEqual(readAddress(route, 'a', 7), { address: 'm:1', brokerId: 0 })
  assert.equal(readAddress(route, 'unknown', 0), undefined)
})

test('heartbeats go to slaves only when they are asked for', () => {
  const route = routeOf({ a: { members: { 0: 'm:1', 1: 's:1' } } })
  assert.deepEqual(addressesOf(route, false), ['m:1'])
  assert.deepEqual(addressesOf(route, true), ['m:1', 's:1'])
})

test('a route is the same in another order, and another once an address or a queue differs', () => {
  const a = { members: { 0: 'a:1' } }
  const b = { members: { 0: 'b:1' } }
  assert.ok(isSameRoute(routeOf({ a, b }), routeOf({ b, a })))
  assert.ok(!isSameRoute(routeOf({ a, b }), routeOf({ a, b: { members: { 0: 'b:2' } } })))
  assert.ok(!isSameRoute(routeOf({ a, b }), routeOf({ a })))
})

test('a route of more queues or brokers than any topic has is refused, however they are counted', () => {
  const usual = routeOf({ a: { members: { 0: 'a:1' } } })
  assert.equal(checkedRoute(usual), usual)
  const [queues] = usual.queueDatas
  assert.ok(queues !== undefined)
  const ofCounts = (counts: object): TopicRouteData => ({
    ...usual,
    queueDatas: [
      { ...queues, readQueueNums: -0x80000000, writeQueueNums: -0x80000000 },
      { ...queues, ...counts },
    ],
  })
  for (const route of [
    ofCounts({ readQueueNums: 0x7fffffff }),
    ofCounts({ writeQueueNums: 65_537 }),
    { ...usual, orderTopicConf: 'a:99999999;b:1' },
    routeOf({
      a: { members: Object.fromEntries(Array.from({ length: 4097 }, (_, id) => [id, 'a:1'])) },
    }),
  ]) {
    assert.throws(() => checkedRoute(route), /a route of \d+ queues and \d+ brokers/)
  }
})
