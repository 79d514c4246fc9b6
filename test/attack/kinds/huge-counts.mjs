import { sendFields } from '../../conformance/lib/remoting.mjs'

const MANY = '2147483647'

/** A count that a request names decided how much of a queue was looked at. */
export default {
  name: 'huge-counts',
  says: 'pulls and queries for 2,147,483,647 messages, and a batch of as many as fit',
  growMiB: 200,
  async attack(field) {
    const peer = await field.connect(field.brokerPort)
    const each = Buffer.alloc(23)
    each.writeInt32BE(each.length, 0)
    each.write('x', 20)
    each.writeInt32BE(1, 16)
    const count = field.isShort ? 1_000 : 16_384
    const batch = Buffer.concat(Array.from({ length: count }, () => each))
    for (let i = 0; i < (field.isShort ? 1 : 10); i++) {
      await peer.call({
        code: 320,
        fields: { ...sendFields('T', 0, 'TAGS\u0001x\u0002'), m: 'true' },
        body: batch,
      })
    }
    for (let i = 0; i < 10; i++) {
      await peer.call({
        code: 11,
        fields: {
          consumerGroup: 'g',
          topic: 'T',
          queueId: '0',
          queueOffset: '0',
          maxMsgNums: MANY,
          sysFlag: '4',
          commitOffset: '0',
          suspendTimeoutMillis: '0',
          subVersion: '0',
          subscription: 'nobody',
        },
      })
      await peer.call({
        code: 12,
        fields: {
          topic: 'T',
          key: 'k',
          maxNum: MANY,
          beginTimestamp: '0',
          endTimestamp: '9223372036854775807',
        },
      })
      await peer.call({
        code: 321,
        fields: { topic: 'T', queueId: '0', index: '-9007199254740991', count: MANY },
      })
      await peer.call({ code: 321, fields: { topic: 'T', queueId: '0', index: '0', count: MANY } })
    }
    peer.destroy()
  },
}
