/** Every request × every field × every wrong value, as the conformance run has them, sent to a victim. */
import { allCases } from '../conformance/fields/cases.mjs'

const AT_ONCE = 32
/** Requests that are answered later, or never, however good they are. */
const STATE = { offset: '0', msgId: 'x', recallHandle: 'x' }

const DELIVERED_MS = 4_000

/** Waits until queue 0 of a topic has a message, as long as the broker takes it for a topic at all. */
export async function untilDelivered(field, topic) {
  const end = performance.now() + DELIVERED_MS
  const peer = await field.connect(field.brokerPort)
  for (let isEmpty = true; isEmpty && performance.now() < end;) {
    const answer = await peer.call({ code: 30, fields: { topic, queueId: '0' } }, 1_000)
    isEmpty = answer?.code === 0 && answer.fields.offset === '0'
  }
  peer.destroy()
}

/** Asks what `isWanted` picks; `look(case, answer)` sees each answer, undefined where none came. */
export async function askCases(field, isWanted, serialization, look) {
  const { servedRequests } = await import('../../packages/broker/dist/src/index.js')
  const { namesrvRequests } = await import('../../packages/protocol/dist/src/index.js')
  const cases = allCases({ served: servedRequests, namesrvRequests }).filter(isWanted)
  let next = 0
  const worker = async () => {
    const peers = {
      broker: await field.connect(field.brokerPort),
      namesrv: await field.connect(field.namesrvPort),
    }
    while (next < cases.length) {
      const one = cases[next++]
      const { fields, body } = one.make(`x-${one.id}`, STATE)
      const request = { code: one.code, fields, serialization }
      if (body !== undefined) request.body = Buffer.from(body)
      if (peers[one.server].isClosed) {
        const port = one.server === 'broker' ? field.brokerPort : field.namesrvPort
        peers[one.server] = await field.connect(port)
      }
      // Only what may go without an answer is not waited for as long as a machine with other work may take.
      const waitMs = one.request === 'END_TRANSACTION' ? 1_000 : 10_000
      look(one, await peers[one.server].call(request, waitMs))
    }
    for (const peer of Object.values(peers)) peer.destroy()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return cases.length
}

/** A message in the words of SEND_MESSAGE, with these properties as they travel. */
export const plainSend = (topic, properties) => ({
  code: 10,
  fields: {
    producerGroup: 'p',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: '1',
    queueId: '0',
    sysFlag: '0',
    bornTimestamp: '1',
    flag: '0',
    properties,
  },
  body: Buffer.from('x'),
})
