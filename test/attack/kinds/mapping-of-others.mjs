/** After it every route of the mapped topic failed, whoever has the topic. */
export default {
  name: 'mapping-of-others',
  says: "registrations that map others' topics, in shapes that nobody can read",
  async attack(field) {
    const topic = 'TBW102'
    const before = await route(field, topic)
    field.expect(before?.code === 0, 'the topic has a route')
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const mappings = [
      deep,
      '7',
      '"text"',
      '[]',
      `{"topic":"${topic}","currIdMap":${deep}}`,
      `{"topic":"${topic}","totalQueues":1e308,"bname":"x","currIdMap":{"0":"zero"}}`,
      `{"topic":"${topic}","totalQueues":1,"bname":"stranger","currIdMap":{"0":0}}`,
    ]
    // A broker is in the routes for as long as its connection lasts.
    const broker = await field.connect(field.namesrvPort)
    for (const mapping of mappings) {
      await broker.call({
        code: 103,
        version: 475,
        fields: {
          brokerName: 'stranger',
          brokerAddr: '192.0.2.1:10911',
          clusterName: 'Another',
          haServerAddr: '',
          brokerId: '0',
          bodyCrc32: '0',
          compressed: 'false',
        },
        body: Buffer.from(
          `{"topicConfigSerializeWrapper":{"dataVersion":{},"topicConfigTable":{"a":{},"b":{}},"topicQueueMappingInfoMap":{"${topic}":${mapping}}}}`,
        ),
      })
      const after = await route(field, topic)
      field.expect(
        after?.code === 0 && after.body.equals(before.body),
        `the route is as it was after a mapping ${mapping.slice(0, 40)}`,
      )
    }
    broker.destroy()
  },
}

function route(field, topic) {
  const fields = { topic, acceptStandardJsonOnly: 'true' }
  return field.call(field.namesrvPort, { code: 105, fields })
}
