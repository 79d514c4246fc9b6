import { plainSend, untilDelivered } from '../field-cases.mjs'

const CLEAN_UNUSED_TOPIC = 316
const NO_PERMISSION = 16
const SYSTEM = [
  'rmq_sys_wheel_timer',
  'SCHEDULE_TOPIC_XXXX',
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  'rmq_sys_REVIVE_LOG_DefaultCluster',
]

const properties = (table) =>
  Object.entries(table)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('')

const send = (topic, table) => plainSend(topic, properties(table))

/** The broker read such a message back, made a queue of what REAL_TOPIC names, and deleted that folder when asked to clean up. */
export default {
  name: 'topic-of-the-broker',
  says: 'messages for topics that the broker reads back, whose properties lead out of the data folder',
  async attack(field) {
    for (const up of ['../../../victim', '../../victim', '../victim', '..', '/tmp']) {
      const table = { REAL_TOPIC: up, REAL_QID: '0', TIMER_OUT_MS: '1', PGROUP: 'p' }
      for (const topic of SYSTEM) {
        const answer = await field.call(field.brokerPort, send(topic, table))
        field.expect(answer?.code === NO_PERMISSION, `a send to ${topic} got ${answer?.code}`)
      }
      // By right, what the broker makes of them is its own topic whatever they say.
      for (const wish of [{ DELAY: '1' }, { TIMER_DELAY_MS: '1' }, { TRAN_MSG: 'true' }]) {
        const more = { ...wish, REAL_TOPIC: up, REAL_QID: '-9', RETRY_TOPIC: up, PGROUP: 'p' }
        const answer = await field.call(field.brokerPort, send('plain', more))
        field.expect(answer?.code === 0, `a send with REAL_TOPIC got ${answer?.code}`)
      }
    }
    await untilDelivered(field, '../../../victim')
    const cleaned = await field.call(field.brokerPort, { code: CLEAN_UNUSED_TOPIC })
    field.expect(cleaned?.code === 0, `cleaning up got ${cleaned?.code}`)
  },
}
