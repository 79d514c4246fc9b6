/** A chunk of frames was handled to its end before anybody else was heard. */
export default {
  name: 'small-frames',
  says: 'millions of the smallest frames, of requests that are not known, that fail, that want no answer, from 20 clients',
  growMiB: 128,
  async attack(field) {
    const [clients, rounds] = field.isShort ? [5, 2] : [20, 40]
    const kinds = [
      { code: 9999, flag: 2 },
      { code: 9999 },
      { code: 11 },
      { code: 34, body: Buffer.from('{') },
    ]
    for (const port of [field.namesrvPort, field.brokerPort]) {
      const peers = await Promise.all(Array.from({ length: clients }, () => field.connect(port)))
      await Promise.all(
        peers.map(async (peer, i) => {
          const frame = field.frame(kinds[i % kinds.length])
          const all = Buffer.concat(Array.from({ length: 2000 }, () => frame))
          for (let round = 0; round < rounds && !peer.isClosed; round++) await peer.write(all)
        }),
      )
      for (const peer of peers) peer.destroy()
    }
  },
}
