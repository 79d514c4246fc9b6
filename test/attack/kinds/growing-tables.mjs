/** Tables that anybody can make grow had no end. */
export default {
  name: 'growing-tables',
  says: 'locks, offsets, settings, producers, forbidden topics and members by the hundred thousand',
  options: [
    'maxTopics=500',
    'maxSubscriptionGroups=500',
    'maxConsumerOffsets=5000',
    'maxQueueLocks=10000',
    'maxClientBytes=1048576',
    'maxForbiddenTopics=1000',
    'maxColdDataGroups=1000',
  ],
  growMiB: 160,
  async attack(field) {
    const peer = await field.connect(field.brokerPort)
    const refusals = new Set()
    const note = (answer) => {
      const named = /max[A-Z]\w+/.exec(answer?.remark ?? '')
      if (named !== null) refusals.add(named[0])
      return answer
    }
    const many = field.isShort ? 20_000 : 100_000
    const mqSet = Array.from({ length: many }, (_, queueId) => ({
      topic: 'T',
      brokerName: 'b',
      queueId,
    }))
    const lock = { consumerGroup: 'g', clientId: 'c', mqSet }
    for (let i = 0; i < 3; i++) note(await peer.call(jsonOf(41, lock)))
    const producers = Array.from({ length: 20_000 }, (_, i) => ({ groupName: `p${i}` }))
    note(await peer.call(jsonOf(34, { clientID: 'c', producerDataSet: producers })))
    note(await peer.call(jsonOf(200, { groupName: 'g' })))
    const asked = []
    for (let i = 0; i < (field.isShort ? 6_000 : 20_000); i++) {
      asked.push(
        peer.call({
          code: 15,
          fields: { consumerGroup: 'g', topic: 'TBW102', queueId: String(i), commitOffset: '1' },
        }),
      )
    }
    for (let i = 0; i < 1_500; i++) {
      const fields = { group: 'g', topic: `f${i}`, readable: 'false' }
      asked.push(peer.call({ code: 353, fields }))
    }
    for (let i = 0; i < 600; i++) asked.push(peer.call(jsonOf(200, { groupName: `n${i}` })))
    for (const answer of await Promise.all(asked)) note(answer)
    const topics = Array.from({ length: 1_000 }, (_, i) => ({ topicName: `t${i}` }))
    note(await peer.call(jsonOf(18, { topicConfigList: topics })))
    const lines = Array.from({ length: 5_000 }, (_, i) => `g${i}=1`).join('\n')
    note(await peer.call({ code: 2001, body: Buffer.from(lines) }))
    for (let i = 0; i < (field.isShort ? 4 : 40); i++) {
      const fields = { namespace: 'N', key: `k${i}`, value: 'v'.repeat(1024 * 1024) }
      note(await field.call(field.namesrvPort, { code: 100, fields }))
    }
    for (const option of [
      'maxTopics',
      'maxSubscriptionGroups',
      'maxConsumerOffsets',
      'maxQueueLocks',
      'maxClientBytes',
      'maxForbiddenTopics',
      'maxColdDataGroups',
    ]) {
      field.expect(refusals.has(option), `nothing was refused for ${option}`)
    }
    peer.destroy()
  },
}

function jsonOf(code, body) {
  return { code, body: Buffer.from(JSON.stringify(body)) }
}
