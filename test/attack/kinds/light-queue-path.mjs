import { plainSend, untilDelivered } from '../field-cases.mjs'

const CLEAN_UNUSED_TOPIC = 316
const NOT_EXIST = 26
const up = '%LMQ%x/../../../../victim'

/** Names of light queues were taken for groups and topics before anybody looked at them, and became folders. */
export default {
  name: 'light-queue-path',
  says: 'groups, topics and properties that name a light queue outside of the data folder',
  options: ['enableLmq=true', 'enableMultiDispatch=true'],
  async attack(field) {
    const ask = (request) => field.call(field.brokerPort, request)
    const sent = await ask(plainSend('plain', ''))
    const offset = String(parseInt(sent.fields.msgId.slice(-16), 16))
    for (const group of [up, '%LMQ%..', '%LMQ%/..', '%LMQ%a\u0000b']) {
      for (const delayLevel of ['-1', '0', '1']) {
        const answer = await ask({ code: 36, fields: { offset, group, delayLevel } })
        field.expect(
          answer?.code === NOT_EXIST || !/[/\0]/.test(group),
          `a message sent back for ${JSON.stringify(group)} got ${answer?.code}`,
        )
      }
      await ask(plainSend(group, ''))
      await ask({
        code: 15,
        fields: { consumerGroup: group, topic: group, queueId: '0', commitOffset: '1' },
      })
      for (const code of [29, 30, 31, 32]) {
        await ask({ code, fields: { topic: group, queueId: '0', timestamp: '0' } })
      }
      const dispatch = `INNER_MULTI_DISPATCH\u0001${group},%LMQ%good\u0002INNER_MULTI_QUEUE_OFFSET\u00019,9\u0002`
      const answer = await ask(plainSend('plain', dispatch))
      field.expect(answer?.code === 0, `a message with light queues got ${answer?.code}`)
    }
    await untilDelivered(field, `%DLQ%${up}`)
    const cleaned = await ask({ code: CLEAN_UNUSED_TOPIC })
    field.expect(cleaned?.code === 0, `cleaning up got ${cleaned?.code}`)
  },
}
