/** Each new group and its retry topic wrote two whole files: 800 took 7.6 s, 3,000 a minute. */
export default {
  name: 'heartbeat-new-groups',
  says: 'heartbeats that bring 800 and 3,000 groups that nobody knew',
  growMiB: 96,
  async attack(field) {
    const peer = await field.connect(field.brokerPort)
    for (const count of field.isShort ? [200] : [800, 3_000]) {
      const answer = await peer.call({ code: 34, body: heartbeat(`h${count}`, count) })
      field.expect(answer?.code === 0, `the heartbeat with ${count} groups was answered`)
    }
    // Sent one by one as well.
    const one = await field.connect(field.brokerPort)
    const all = Array.from({ length: field.isShort ? 50 : 500 }, (_, i) =>
      one.call({ code: 34, body: heartbeat(`one${i}-`, 1) }),
    )
    const codes = (await Promise.all(all)).map((answer) => answer?.code)
    field.expect(
      codes.every((code) => code === 0),
      'each heartbeat was answered',
    )
    peer.destroy()
    one.destroy()
  },
}

function heartbeat(prefix, count) {
  const consumerDataSet = Array.from({ length: count }, (_, i) => ({
    groupName: `${prefix}${i}`,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet: [{ topic: 'TopicTest', subString: '*', subVersion: 1 }],
  }))
  return Buffer.from(JSON.stringify({ clientID: 'attacker', consumerDataSet }))
}
