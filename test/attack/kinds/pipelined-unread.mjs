/** Each connection was served up to 4 MiB of answers in one turn, one after the other: 5.8 s for 50 of them. */
export default {
  name: 'pipelined-unread',
  says: '50 clients that pipeline 40,000 GET_BROKER_CONFIG and read nothing, on the name server too',
  growMiB: 320,
  async attack(field) {
    const [clients, count] = field.isShort ? [10, 4000] : [50, 40_000]
    const requests = [
      [field.brokerPort, { code: 26 }],
      [field.namesrvPort, { code: 319 }],
      [field.brokerPort, { code: 28 }],
    ]
    // A process that has just begun compiles what it runs; that is no work of these requests.
    for (const [port, request] of requests) {
      const peer = await field.connect(port)
      for (let i = 0; i < 500; i++) await peer.call(request)
      peer.destroy()
    }
    for (const [port, request] of requests) {
      const ask = field.frame(request)
      const all = Buffer.concat(Array.from({ length: count }, () => ask))
      const peers = []
      for (let i = 0; i < clients; i++) {
        const peer = await field.connect(port)
        peer.pause()
        peers.push(peer)
        void peer.write(all)
      }
      await new Promise((resolve) => setTimeout(resolve, field.isShort ? 300 : 2000))
      for (const peer of peers) peer.destroy()
    }
  },
}
