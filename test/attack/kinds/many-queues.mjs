const MANY = 2_147_483_647
/** The most that a topic may have, unless the broker is told otherwise. */
const MOST = 16_384

/** Whatever looked at each queue of such a topic took 23 s and 2.9 GiB. */
export default {
  name: 'many-queues',
  says: 'topics of 2,147,483,647 and of 16,384 queues, and all that looks at each',
  growMiB: 160,
  async attack(field) {
    const peer = await field.connect(field.brokerPort)
    const topic = (name, queues) =>
      peer.call({
        code: 17,
        fields: {
          topic: name,
          defaultTopic: 'TBW102',
          readQueueNums: String(queues),
          writeQueueNums: String(queues),
          perm: '6',
          topicFilterType: 'SINGLE_TAG',
          topicSysFlag: '0',
          order: 'false',
        },
      })
    const ask = (code, fields) => peer.call({ code, fields })
    field.expect((await topic('endless', MANY))?.code !== 0, 'so many queues are refused')
    await ask(202, { topic: 'endless' })
    const list = {
      topicConfigList: [{ topicName: 'listed', readQueueNums: MANY, writeQueueNums: MANY }],
    }
    await peer.call({ code: 18, body: Buffer.from(JSON.stringify(list)) })
    await ask(202, { topic: 'listed' })
    const group = { groupName: 'retries', retryQueueNums: MANY }
    await peer.call({ code: 200, body: Buffer.from(JSON.stringify(group)) })
    await topic('wide', field.isShort ? 1_000 : MOST)
    await peer.call({ code: 200, body: Buffer.from(JSON.stringify({ groupName: 'looker' })) })
    await ask(15, { consumerGroup: 'looker', topic: 'wide', queueId: '0', commitOffset: '1' })
    for (let i = 0; i < (field.isShort ? 1 : 5); i++) {
      const stats = await ask(202, { topic: 'wide' })
      field.expect(stats?.code === 0, 'the queues of a wide topic are told')
      await ask(208, { consumerGroup: 'looker', topic: 'wide' })
      await ask(303, { group: 'looker', topic: 'wide' })
      await ask(317, { isOrder: 'false' })
      await ask(222, { topic: 'wide', group: 'looker', timestamp: '-1', isForce: 'true' })
    }
    // A registration that says so keeps nobody from reading the route.
    const table = {
      endless: { topicName: 'endless', readQueueNums: MANY, writeQueueNums: MANY },
      a: {},
    }
    const body = { topicConfigSerializeWrapper: { dataVersion: {}, topicConfigTable: table } }
    const broker = await field.connect(field.namesrvPort)
    await broker.call({
      code: 103,
      fields: {
        brokerName: 'other',
        brokerAddr: '192.0.2.1:10911',
        clusterName: 'DefaultCluster',
        haServerAddr: '',
        brokerId: '0',
        bodyCrc32: '0',
        compressed: 'false',
      },
      body: Buffer.from(JSON.stringify(body)),
    })
    const route = await field.call(field.namesrvPort, { code: 105, fields: { topic: 'endless' } })
    field.expect(route?.code === 17, 'a topic of so many queues comes into no route')
    broker.destroy()
    peer.destroy()
  },
}
