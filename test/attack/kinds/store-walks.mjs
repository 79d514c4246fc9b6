import { sendFields } from '../../conformance/lib/remoting.mjs'

const CREATE_TOPIC = 17
const DELETE_TOPIC = 215
const SEND_V2 = 310
const QUERY_MESSAGE = 12
const CLEAN_UNUSED_TOPIC = 316

const sent = (topic, queueId, properties) => ({
  code: SEND_V2,
  fields: sendFields(topic, queueId, properties),
  body: Buffer.from('x'),
})

/** Deleting a topic removed the files of all its queues in one turn, and a look-up went through all that has a key. */
export default {
  name: 'store-walks',
  says: 'a topic of 16,384 queues, all in use, is deleted; a key that 200,000 messages have is asked for at times when none was',
  growMiB: 192,
  async attack(field) {
    const queues = field.isShort ? 2000 : 16_384
    const messages = field.isShort ? 20_000 : 200_000
    const topic = (name, count) => ({
      code: CREATE_TOPIC,
      fields: {
        topic: name,
        defaultTopic: 'TBW102',
        readQueueNums: String(count),
        writeQueueNums: String(count),
        perm: '6',
        topicFilterType: 'SINGLE_TAG',
        topicSysFlag: '0',
        order: 'false',
      },
    })
    const peer = await field.connect(field.brokerPort)
    await peer.call(topic('Wide', queues))
    await peer.call(topic('Keys', 4))
    for (let from = 0; from < queues; from += 1000) {
      const ids = Array.from({ length: Math.min(1000, queues - from) }, (_, i) => from + i)
      await Promise.all(ids.map((queueId) => peer.call(sent('Wide', queueId))))
    }
    for (let from = 0; from < messages; from += 2000) {
      await Promise.all(
        Array.from({ length: 2000 }, (_, i) => peer.call(sent('Keys', i % 4, 'KEYS\x01same\x02'))),
      )
    }
    const asked = {
      topic: 'Keys',
      key: 'same',
      maxNum: '64',
      beginTimestamp: '1',
      endTimestamp: '2',
    }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => peer.call({ code: QUERY_MESSAGE, fields: asked })),
    )
    field.expect(
      answers.every((answer) => answer !== undefined),
      'a look-up is answered',
    )
    const deleted = await peer.call({ code: DELETE_TOPIC, fields: { topic: 'Wide' } })
    field.expect(deleted?.code === 0, 'the topic is deleted')
    await peer.call({ code: CLEAN_UNUSED_TOPIC })
    peer.destroy()
  },
}
