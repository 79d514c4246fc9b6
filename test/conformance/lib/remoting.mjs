/**
 * The few remoting frames that the test programs themselves must speak: asking a server, and
 * answering as a server. Written independently of the packages under test, so that a mistake there
 * cannot hide itself here.
 *
 * | at | bytes | what                                                         |
 * | -- | ----- | ------------------------------------------------------------ |
 * |  0 | 4     | length of all that follows                                   |
 * |  4 | 4     | header length in the low 24 bits; serialisation in the high 8 |
 * |  8 | n     | header: JSON when the serialisation is 0                     |
 * |  . | m     | body                                                         |
 */
import { connect } from 'node:net'

const RESPONSE = 1

/** One frame of a header object and an optional body. */
export function encodeFrame(header, body = Buffer.alloc(0)) {
  const json = Buffer.from(JSON.stringify(header))
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + json.length + body.length, 0)
  head.writeInt32BE(json.length, 4)
  return Buffer.concat([head, json, body])
}

/** Header of a ROCKETMQ-serialised frame; see `RocketMQSerializable.java`. */
function decodeBinaryHeader(bytes) {
  const header = {
    code: bytes.readInt16BE(0),
    version: bytes.readInt16BE(3),
    opaque: bytes.readInt32BE(5),
    flag: bytes.readInt32BE(9),
    extFields: {},
    serialization: 1,
  }
  const remarkLength = bytes.readInt32BE(13)
  let at = 17 + remarkLength
  header.remark = bytes.toString('utf8', 17, at)
  const end = at + 4 + bytes.readInt32BE(at)
  at += 4
  while (at < end) {
    const keyLength = bytes.readInt16BE(at)
    const key = bytes.toString('utf8', at + 2, at + 2 + keyLength)
    at += 2 + keyLength
    const valueLength = bytes.readInt32BE(at)
    header.extFields[key] = bytes.toString('utf8', at + 4, at + 4 + valueLength)
    at += 4 + valueLength
  }
  return header
}

/** Calls `onFrame(header, body)` for each whole frame in what `push` is given. */
export function frameReader(onFrame) {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = rest.readInt32BE(0)
      const word = rest.readInt32BE(4)
      const bodyAt = 8 + (word & 0xffffff)
      const bytes = rest.subarray(8, bodyAt)
      const header = word >>> 24 === 0 ? JSON.parse(bytes.toString()) : decodeBinaryHeader(bytes)
      onFrame(header, rest.subarray(bodyAt, 4 + length))
      rest = rest.subarray(4 + length)
    }
  }
}

/**
 * A connection that asks; `request` resolves with `{ header, body }`. What the other side asks goes to `asked`, which
 * nobody answers for.
 */
export function openConnection(address, asked = () => {}) {
  const [host, port] = address.split(':')
  const socket = connect({ host, port: Number(port) })
  const waiting = new Map()
  let opaque = 0
  const fail = (error) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error(`${address} closed the connection`)))
  socket.on(
    'data',
    frameReader((header, body) => {
      if ((header.flag & RESPONSE) === 0) {
        asked(header, body)
        return
      }
      waiting.get(header.opaque)?.resolve({ header, body })
      waiting.delete(header.opaque)
    }),
  )
  return {
    write: (bytes) => socket.write(bytes),
    request(code, extFields = {}, body) {
      const id = opaque++
      const header = { code, language: 'JAVA', version: 493, opaque: id, flag: 0, extFields }
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        socket.write(encodeFrame(header, body))
      })
    },
    close: () => socket.destroy(),
  }
}

/** One request on a connection of its own; undefined when nobody answers. */
export async function ask(address, code, extFields, body) {
  const connection = openConnection(address)
  try {
    return await connection.request(code, extFields, body)
  } catch (error) {
    if (error.code === 'ECONNREFUSED' || /closed the connection/.test(error.message))
      return undefined
    throw error
  } finally {
    connection.close()
  }
}

const GET_BROKER_CLUSTER_INFO = 106
const GET_ROUTEINFO_BY_TOPIC = 105

/** True when the name server knows the broker by this name. */
export async function isRegistered(nameServer, brokerName) {
  const answer = await ask(nameServer, GET_BROKER_CLUSTER_INFO)
  return answer !== undefined && answer.body.toString().includes(`"brokerName":"${brokerName}"`)
}

/** True when the name server has a route for the topic. */
export async function hasRoute(nameServer, topic) {
  const answer = await ask(nameServer, GET_ROUTEINFO_BY_TOPIC, { topic })
  return answer?.header.code === 0
}

/** Header fields of SEND_MESSAGE_V2: a topic that is not there yet gets one queue. */
export function sendFields(topic, queueId = 0, properties = '') {
  const [group, template] = ['p', 'TBW102']
  const names = {
    a: group,
    b: topic,
    c: template,
    d: '1',
    e: String(queueId),
    f: '0',
    g: '1',
    h: '0',
  }
  return { ...names, i: properties, j: '0', k: 'false', m: 'false' }
}

/** Header fields of a pull of one queue that is answered at once: all tags, nothing is committed. */
export function pullFields(consumerGroup, topic, queueId, queueOffset, maxMsgNums = 32) {
  return {
    consumerGroup,
    topic,
    queueId: String(queueId),
    queueOffset: String(queueOffset),
    maxMsgNums: String(maxMsgNums),
    sysFlag: '4',
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subscription: '*',
    subVersion: '0',
    expressionType: 'TAG',
  }
}
