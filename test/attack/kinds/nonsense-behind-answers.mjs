/** Frames that were put off because the answers before them were many were read where nobody caught their errors. */
export default {
  name: 'nonsense-behind-answers',
  says: 'good requests whose answers exceed 4 MiB, then a frame that is none, in one piece',
  growMiB: 160,
  async attack(field) {
    const ask = field.frame({ code: 26 })
    const many = Buffer.concat(Array.from({ length: 600 }, () => ask))
    const bad = [
      Buffer.from('ffffffff00000000', 'hex'),
      field.rawFrame(Buffer.from(`{"code":26,"remark":${'['.repeat(5000)}${']'.repeat(5000)}}`)),
      field.rawFrame(Buffer.from('{"code":26,"language":{"valueOf":1}}')),
    ]
    for (const nonsense of bad) {
      for (const reads of [true, false]) {
        const peer = await field.connect(field.brokerPort)
        if (!reads) peer.pause()
        await peer.write(Buffer.concat([many, nonsense]))
        if (reads) await Promise.race([peer.closed, wait(5000)])
        else await wait(100)
        peer.destroy()
      }
    }
    const answer = await field.call(field.brokerPort, { code: 26 })
    field.expect(answer?.code === 0, 'the broker goes on answering')
  },
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
