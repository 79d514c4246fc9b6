import { routeTo, startClient, startHostile, until } from '../hostile.mjs'

const json = (value) => Buffer.from(JSON.stringify(value))

/** A route of two milliards of queues became as many objects; a list of members was searched once for each of them. */
export default {
  name: 'client-route',
  says: 'a client is told of 2,147,483,647 queues, of 200,000 brokers and of 300,000 members',
  async attack(field) {
    const ordered = (port) => ({ ...routeTo(port), orderTopicConf: 'hostile:999999999' })
    const brokers = (port) => ({
      ...routeTo(port),
      brokerDatas: Array.from({ length: 200_000 }, (_, i) => ({
        brokerAddrs: { 0: `127.0.0.1:${port}` },
        brokerName: `b${i}`,
        cluster: 'c',
      })),
    })
    const members = ({ ids }) => ({
      body: json({
        consumerIdList: [...ids, ...Array.from({ length: 300_000 }, (_, i) => `m${i}`)],
      }),
    })
    const kinds = [
      { 105: ({ port }) => ({ body: json(routeTo(port, 2 ** 31 - 1)) }) },
      { 105: ({ port }) => ({ body: json(ordered(port)) }) },
      { 105: ({ port }) => ({ body: json(brokers(port)) }) },
      { 38: members },
    ]
    for (const answers of kinds) {
      const hostile = await startHostile({ answers })
      const client = await startClient(hostile.port)
      const seen = await until(client, () => false, field.isShort ? 700 : 3000)
      field.expect(seen.ended === undefined, `the client lives, but ${seen.ended}`)
      field.expect(seen.peakMiB < 512, `the client grew by ${seen.peakMiB} MiB`)
      client.stop()
      hostile.close()
    }
  },
}
