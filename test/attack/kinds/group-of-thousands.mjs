/** Every client heard of every other that came or went: 3,000 were 4.5 million notices, and 22 s. */
export default {
  name: 'group-of-thousands',
  says: '3,000 clients join one group and leave it all at once',
  growMiB: 160,
  async attack(field) {
    const count = field.isShort ? 200 : 3_000
    const peers = []
    for (let at = 0; at < count; at += 100) {
      const more = await Promise.all(
        Array.from({ length: Math.min(100, count - at) }, () => field.connect(field.brokerPort)),
      )
      peers.push(...more)
    }
    const answers = await Promise.all(
      peers.map((peer, i) => peer.call({ code: 34, body: heartbeat(`client-${i}`) })),
    )
    field.expect(
      answers.every((answer) => answer?.code === 0),
      'each heartbeat was answered',
    )
    const list = await field.call(field.brokerPort, {
      code: 38,
      fields: { consumerGroup: 'thousands' },
    })
    const ids = JSON.parse(list?.body.toString() ?? '{}').consumerIdList ?? []
    field.expect(ids.length === count, `the group has ${ids.length} clients, not ${count}`)
    field.expect(
      peers.some((peer) => peer.unasked > 0),
      'clients hear of each other',
    )
    for (const peer of peers) peer.destroy()
    await Promise.all(peers.map((peer) => peer.closed))
    await field.call(field.brokerPort, { code: 38, fields: { consumerGroup: 'thousands' } })
  },
}

function heartbeat(clientID) {
  const group = {
    groupName: 'thousands',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet: [{ topic: 'TopicTest', subString: '*', subVersion: 1 }],
  }
  return Buffer.from(JSON.stringify({ clientID, consumerDataSet: [group] }))
}
