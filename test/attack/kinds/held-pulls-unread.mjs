import { sendFields } from '../../conformance/lib/remoting.mjs'

/** Each held pull was run again in the turn of one message, though its client read nothing: 15 s and 2.5 GiB. */
export default {
  name: 'held-pulls-unread',
  says: '20,000 held pulls of a client that does not read, and a message of 1 MiB',
  growMiB: 160,
  async attack(field) {
    const count = field.isShort ? 3000 : 20_000
    const send = { code: 310, fields: sendFields('HeldPulls') }
    await field.call(field.brokerPort, { ...send, body: Buffer.from('first') })
    const pull = field.frame({
      code: 11,
      fields: {
        ...{
          consumerGroup: 'held',
          topic: 'HeldPulls',
          queueId: '0',
          queueOffset: '1',
          maxMsgNums: '32',
        },
        ...{ sysFlag: '6', commitOffset: '0', suspendTimeoutMillis: '30000', subVersion: '0' },
        ...{ subscription: '*', expressionType: 'TAG', maxMsgBytes: String(2 ** 21) },
      },
    })
    const peer = await field.connect(field.brokerPort)
    peer.pause()
    await peer.write(Buffer.concat(Array.from({ length: count }, () => pull)))
    await new Promise((resolve) => setTimeout(resolve, field.isShort ? 300 : 1500))
    const sent = await field.call(field.brokerPort, { ...send, body: Buffer.alloc(2 ** 20, 'x') })
    field.expect(sent?.code === 0, 'the message is taken')
    await new Promise((resolve) => setTimeout(resolve, field.isShort ? 300 : 2000))
    peer.destroy()
  },
}
