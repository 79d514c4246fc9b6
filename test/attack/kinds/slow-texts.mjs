/** A number that ends in a letter, and backslashes before one, were read again from each digit and each backslash. */
export default {
  name: 'slow-texts',
  says: 'texts of half a megabyte that a careless pattern reads a million times, and JSON too deep to be written again',
  growMiB: 128,
  async attack(field) {
    const length = field.isShort ? 50_000 : 500_000
    const peer = await field.connect(field.brokerPort)
    const digits = Buffer.from(`{clientID:${'1'.repeat(length)}x}`)
    await peer.call({ code: 34, body: digits })
    const backslashes = Buffer.from(`${'\\'.repeat(length)}x=1`)
    await peer.call({ code: 25, body: backslashes })
    await peer.call({ code: 2001, body: backslashes })
    await field.call(field.namesrvPort, { code: 318, body: backslashes })
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const group = Buffer.from(`{"groupName":"deep","groupRetryPolicy":{"a":${deep}}}`)
    await peer.call({ code: 200, body: group })
    const next = await peer.call({ code: 200, body: Buffer.from('{"groupName":"next"}') })
    field.expect(next?.code === 0, `the table of groups can still be saved: ${next?.remark}`)
    const all = await peer.call({ code: 201 })
    field.expect(all?.code === 0, 'and told')
    peer.destroy()
  },
}
