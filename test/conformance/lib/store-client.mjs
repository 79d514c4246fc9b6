/**
 * What the interchange program does to a broker over raw frames: sends of every kind, and reading back all that it
 * serves. Written independently of the packages under test.
 */
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { openConnection, pullFields } from './remoting.mjs'

const Code = {
  PULL_MESSAGE: 11,
  QUERY_MESSAGE: 12,
  QUERY_CONSUMER_OFFSET: 14,
  UPDATE_CONSUMER_OFFSET: 15,
  UPDATE_AND_CREATE_TOPIC: 17,
  GET_MAX_OFFSET: 30,
  GET_MIN_OFFSET: 31,
  HEART_BEAT: 34,
  CONSUMER_SEND_MSG_BACK: 36,
  END_TRANSACTION: 37,
  CHECK_TRANSACTION_STATE: 39,
  GET_TIMER_METRICS: 61,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: 200,
  SEND_MESSAGE_V2: 310,
  SEND_BATCH_MESSAGE: 320,
}
const FOUND = 0
/** A half message. */
const PREPARED = 4
const COMMIT = 8
const ROLLBACK = 12
const QUERY_NOT_FOUND = 22

const propertiesOf = (properties) =>
  Object.entries(properties)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('')

/** Opens a client of the broker at `address`. */
export function openStoreClient(address) {
  const connection = openConnection(address)
  const request = async (code, fields, body, accepted = [FOUND]) => {
    const text = Object.entries(fields).map(([key, value]) => [key, String(value)])
    const answer = await connection.request(code, Object.fromEntries(text), body)
    if (accepted.includes(answer.header.code)) return answer
    throw new Error(
      `request ${code} ${JSON.stringify(fields)}: ${answer.header.code} ${answer.header.remark}`,
    )
  }

  async function createTopic(topic, queues, attributes) {
    await request(Code.UPDATE_AND_CREATE_TOPIC, {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      ...(attributes === undefined ? {} : { attributes }),
    })
  }

  async function createGroup(groupName) {
    const config = {
      groupName,
      consumeEnable: true,
      consumeBroadcastEnable: true,
      retryQueueNums: 1,
    }
    const body = Buffer.from(JSON.stringify({ ...config, retryMaxTimes: 16, brokerId: 0 }))
    await request(Code.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body)
  }

  const sendFields = (topic, queueId, properties, flag) => ({
    a: 'P_interchange',
    b: topic,
    c: 'TBW102',
    d: 4,
    e: queueId,
    f: 0,
    g: Date.now(),
    h: flag,
    i: propertiesOf(properties),
    j: 0,
    k: false,
    l: 16,
  })

  /** Sends one message; resolves with where it is stored. */
  async function send(topic, queueId, body, properties = {}, flag = 0, sysFlag = 0) {
    const fields = { ...sendFields(topic, queueId, properties, flag), f: sysFlag, m: false }
    const { header } = await request(Code.SEND_MESSAGE_V2, fields, Buffer.from(body))
    const { queueOffset, msgId } = header.extFields
    // The last eight bytes of an offset id are the place in the log.
    const physicalOffset = Number(BigInt(`0x${msgId.slice(-16)}`))
    return {
      topic,
      queueId: Number(header.extFields.queueId),
      queueOffset: Number(queueOffset),
      physicalOffset,
    }
  }

  /** Sends the half message of a transaction, of which nobody says how it ends. */
  async function sendHalf(producerGroup, topic, queueId, body) {
    const properties = { UNIQ_KEY: body, TRAN_MSG: 'true', PGROUP: producerGroup }
    await send(topic, queueId, body, properties, 0, PREPARED)
  }

  /** Sends a batch; with a key of its own it may be stored as one record. */
  async function sendBatch(topic, queueId, messages, own = {}) {
    const parts = messages.map(({ body, properties }) => {
      const text = Buffer.from(propertiesOf(properties))
      const bytes = Buffer.from(body)
      const head = Buffer.alloc(20)
      head.writeInt32BE(20 + bytes.length + 2 + text.length, 0)
      head.writeInt32BE(bytes.length, 16)
      const length = Buffer.alloc(2)
      length.writeInt16BE(text.length)
      return Buffer.concat([head, bytes, length, text])
    })
    const fields = { ...sendFields(topic, queueId, { WAIT: 'true', ...own }, 0), m: true }
    await request(Code.SEND_BATCH_MESSAGE, fields, Buffer.concat(parts))
  }

  /** Sends a stored message back to its group; a level below 0 makes it a dead letter. */
  async function sendBack(group, stored, delayLevel) {
    await request(Code.CONSUMER_SEND_MSG_BACK, {
      offset: stored.physicalOffset,
      group,
      delayLevel,
      originMsgId: 'interchange',
      originTopic: stored.topic,
      unitMode: false,
      maxReconsumeTimes: 16,
    })
  }

  async function commit(consumerGroup, topic, queueId, commitOffset) {
    await request(Code.UPDATE_CONSUMER_OFFSET, { consumerGroup, topic, queueId, commitOffset })
  }

  async function committed(consumerGroup, topic, queueId) {
    const fields = { consumerGroup, topic, queueId, setZeroIfNotFound: false }
    const { header } = await request(Code.QUERY_CONSUMER_OFFSET, fields, undefined, [
      FOUND,
      QUERY_NOT_FOUND,
    ])
    return header.code === FOUND ? Number(header.extFields.offset) : undefined
  }

  const offsetOf = async (code, topic, queueId) =>
    Number((await request(code, { topic, queueId, committed: true })).header.extFields.offset)
  const maxOffset = (topic, queueId) => offsetOf(Code.GET_MAX_OFFSET, topic, queueId)
  const minOffset = (topic, queueId) => offsetOf(Code.GET_MIN_OFFSET, topic, queueId)

  /** Waits until a queue has so many messages: what a delay holds back comes by itself. */
  async function waitForMax(topic, queueId, offset) {
    const deadline = performance.now() + 20_000
    while ((await maxOffset(topic, queueId)) < offset) {
      if (performance.now() > deadline)
        throw new Error(`${topic}:${queueId} has not ${offset} messages`)
      await pause(100)
    }
  }

  async function pull(topic, queueId, queueOffset) {
    const { header, body } = await request(
      Code.PULL_MESSAGE,
      pullFields('G_reader', topic, queueId, queueOffset),
      undefined,
      [FOUND, 19, 20, 21],
    )
    return {
      next: Number(header.extFields.nextBeginOffset),
      records: header.code === FOUND ? recordsOf(body) : [],
    }
  }

  /** First and next offset of a queue, and each message in it: its queue offset, its place, a hash of all its bytes. */
  async function readQueue(topic, queueId) {
    const min = await minOffset(topic, queueId)
    const max = await maxOffset(topic, queueId)
    const messages = []
    for (let offset = min; offset < max;) {
      const { next, records } = await pull(topic, queueId, offset)
      for (const record of records) messages.push(factsOf(record))
      if (next <= offset) throw new Error(`pull of ${topic}:${queueId} stays at ${offset}`)
      offset = next
    }
    return { min, max, messages }
  }

  async function queryKey(topic, key) {
    const fields = {
      topic,
      key,
      maxNum: 64,
      beginTimestamp: 0,
      endTimestamp: Date.now() + 3_600_000,
    }
    const { header, body } = await request(Code.QUERY_MESSAGE, fields, undefined, [
      FOUND,
      QUERY_NOT_FOUND,
    ])
    const places =
      header.code === FOUND
        ? recordsOf(body).map((record) => Number(record.readBigInt64BE(28)))
        : []
    return places.sort((a, b) => a - b)
  }

  /** How many messages for a topic wait for a time of their own. */
  async function timersWaiting(topic) {
    const { body } = await request(Code.GET_TIMER_METRICS, {})
    return JSON.parse(body.toString()).timingCount[topic]?.count ?? 0
  }

  const close = () => connection.close()
  return {
    sendHalf,
    createTopic,
    createGroup,
    send,
    sendBatch,
    sendBack,
    commit,
    committed,
    waitForMax,
    timersWaiting,
    maxOffset,
    readQueue,
    queryKey,
    close,
  }
}

function recordsOf(body) {
  const records = []
  for (let at = 0; at < body.length; at += records.at(-1).length) {
    records.push(body.subarray(at, at + body.readInt32BE(at)))
  }
  return records
}

/** `queueOffset@physicalOffset sha` of a record: the hash is of all its bytes, hosts, times and properties too. */
function factsOf(record) {
  const sha = createHash('sha256').update(record).digest('hex').slice(0, 16)
  return `${record.readBigInt64BE(20)}@${record.readBigInt64BE(28)} ${sha}`
}

/**
 * A producer of a group that a broker may ask about its transactions: `decide` is called with the body of the half
 * message and returns whether it is committed. `bodies` has all that it was asked about.
 */
export async function openTransactionProducer(address, producerGroup, decide) {
  const bodies = new Set()
  const connection = openConnection(address, (header, record) => {
    if (header.code !== Code.CHECK_TRANSACTION_STATE) return
    const body = record.toString('utf8', 88, 88 + record.readInt32BE(84))
    // Apache's broker asks again before it has written the end down, and delivers again when it is told again.
    if (bodies.has(body)) return
    bodies.add(body)
    const { tranStateTableOffset, commitLogOffset, msgId, transactionId } = header.extFields
    const fields = { producerGroup, tranStateTableOffset, commitLogOffset, msgId, transactionId }
    const commitOrRollback = String(decide(body) ? COMMIT : ROLLBACK)
    const answer = { ...fields, commitOrRollback, fromTransactionCheck: 'true' }
    // The connection may be closed before the answer comes.
    connection.request(Code.END_TRANSACTION, answer).catch(() => undefined)
  })
  const heartbeat = {
    clientID: `127.0.0.1@${process.pid}`,
    producerDataSet: [{ groupName: producerGroup }],
    consumerDataSet: [],
  }
  await connection.request(Code.HEART_BEAT, {}, Buffer.from(JSON.stringify(heartbeat)))
  return { bodies, close: () => connection.close() }
}
