import { sendFields } from '../../conformance/lib/remoting.mjs'

const BYTES = 900_000

/** Four headers of each kind were kept for good, however long they were, with six times their length beside. */
export default {
  name: 'learned-headers',
  says: 'sends and pulls whose headers are as long as they may be, each of them several times',
  growMiB: 128,
  async attack(field) {
    const { i: _, ...common } = sendFields('Learned')
    const plain = {
      producerGroup: 'p',
      topic: 'Learned',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: '1',
      queueId: '0',
      sysFlag: '0',
      bornTimestamp: '1',
      flag: '0',
      reconsumeTimes: '0',
      unitMode: 'false',
      batch: 'false',
    }
    const pull = {
      consumerGroup: 'g',
      topic: 'Learned',
      queueId: '0',
      queueOffset: '0',
      maxMsgNums: '1',
      sysFlag: '0',
      commitOffset: '0',
      suspendTimeoutMillis: '0',
      subVersion: '0',
    }
    for (let n = 0; n < (field.isShort ? 4 : 12); n++) {
      const long = String(n).repeat(BYTES).slice(0, BYTES)
      for (const [code, fields] of [
        [310, { ...common, i: long }],
        [10, { ...plain, properties: long }],
        [320, { ...common, i: long }],
        [11, { ...pull, subscription: long }],
        [361, { ...pull, subscription: long }],
      ]) {
        const frame = field.frame({ code, fields, body: Buffer.from('x') })
        const peer = await field.connect(field.brokerPort)
        for (let i = 0; i < 4 && !peer.isClosed; i++) await peer.write(frame)
        await peer.call({ code: 26 }, 5000)
        peer.destroy()
      }
    }
  },
}
