/** A PROXY preamble was believed from anybody, with any text as address, which then stood in logs and answers. */
export default {
  name: 'proxy-preamble',
  says: 'PROXY preambles of a stranger, with addresses that are none',
  async attack(field) {
    const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007107c0000209dc042694', 'hex')
    const preambles = [
      'PROXY TCP4 203.0.113.7 192.0.2.9 56324 9876\r\n',
      'PROXY TCP4 \u001b[2J\u009b 192.0.2.9 1 1\r\n',
      'PROXY UNKNOWN\r\n',
      `PROXY ${'x'.repeat(90)}`,
      v2,
      Buffer.concat([v2.subarray(0, 14), Buffer.from('ffff', 'hex'), Buffer.alloc(60_000)]),
    ]
    for (const port of [field.namesrvPort, field.brokerPort]) {
      for (const preamble of preambles) {
        const peer = await field.connect(port)
        await peer.write(Buffer.from(preamble))
        const answer = await peer.call({ code: 105, fields: { topic: 'TBW102' } }, 2000)
        field.expect(
          answer === undefined,
          `nobody is answered behind ${JSON.stringify(String(preamble).slice(0, 30))}`,
        )
        peer.destroy()
      }
    }
  },
}
