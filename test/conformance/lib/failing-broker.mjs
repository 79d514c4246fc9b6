/**
 * A broker that is in the cluster and refuses every send, so that a producer's retries can be seen to
 * go to the other one. It registers with the name server like any broker, answers heartbeats, and
 * answers everything else with SERVICE_NOT_AVAILABLE.
 */
import { createServer } from 'node:net'
import { encodeFrame, frameReader, openConnection } from './remoting.mjs'

const HEART_BEAT = 34
const UNREGISTER_CLIENT = 35
const GET_CONSUMER_LIST_BY_GROUP = 38
const REGISTER_BROKER = 103
const SERVICE_NOT_AVAILABLE = 14
const ONEWAY = 2

/** Name of the broker in routes. */
export const failingBrokerName = 'broker-failing'

function answer(header) {
  const reply = { language: 'JAVA', version: 493, opaque: header.opaque, flag: 1, extFields: {} }
  if (header.code === HEART_BEAT || header.code === UNREGISTER_CLIENT) {
    return encodeFrame({ ...reply, code: 0 })
  }
  if (header.code === GET_CONSUMER_LIST_BY_GROUP) {
    return encodeFrame({ ...reply, code: 1, remark: 'no consumer for this group' })
  }
  return encodeFrame({ ...reply, code: SERVICE_NOT_AVAILABLE, remark: 'this broker refuses all' })
}

function listen() {
  const sockets = new Set()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A client that ends without closing is no concern of the test.
    socket.on('error', () => socket.destroy())
    socket.on(
      'data',
      frameReader((header) => {
        if ((header.flag & ONEWAY) === 0) socket.write(answer(header))
      }),
    )
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ server, sockets, port: server.address().port }))
  })
}

function registration(topics, port) {
  const topicConfigTable = {}
  for (const topicName of topics) {
    topicConfigTable[topicName] = {
      topicName,
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      order: false,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
    }
  }
  const dataVersion = { counter: 1, stateVersion: 0, timestamp: Date.now() }
  const body = {
    topicConfigSerializeWrapper: { topicConfigTable, dataVersion },
    filterServerList: [],
  }
  const fields = {
    brokerName: failingBrokerName,
    brokerAddr: `127.0.0.1:${port}`,
    clusterName: 'FailingCluster',
    haServerAddr: `127.0.0.1:${port}`,
    brokerId: '0',
    compressed: 'false',
    bodyCrc32: '0',
  }
  return { fields, body: Buffer.from(JSON.stringify(body)) }
}

/** Joins the cluster as the second home of these topics, two at least; `leave` ends it. */
export async function joinFailingBroker(nameServer, topics) {
  const { server, sockets, port } = await listen()
  // The name server forgets a broker whose connection is closed, so this one stays open.
  const connection = openConnection(nameServer)
  const { fields, body } = registration(topics, port)
  const reply = await connection.request(REGISTER_BROKER, fields, body)
  if (reply.header.code !== 0) throw new Error(`not registered: ${JSON.stringify(reply.header)}`)
  return {
    leave() {
      connection.close()
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
