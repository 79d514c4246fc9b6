import { deflateSync } from 'node:zlib'

/** A registration of 250 kB became 250 MiB. */
export default {
  name: 'inflating-registration',
  says: 'compressed registrations that become 250 MiB',
  // 32 MiB each, and V8 collects several at once.
  growMiB: 192,
  async attack(field) {
    const bomb = deflateSync(Buffer.alloc((field.isShort ? 40 : 250) * 1024 * 1024))
    for (let i = 0; i < (field.isShort ? 2 : 10); i++) {
      const answer = await field.call(field.namesrvPort, {
        code: 103,
        version: 475,
        fields: {
          brokerName: `bomb${i}`,
          brokerAddr: '192.0.2.1:10911',
          clusterName: 'DefaultCluster',
          haServerAddr: '',
          brokerId: '0',
          bodyCrc32: '0',
          compressed: 'true',
        },
        body: bomb,
      })
      field.expect(
        answer?.remark?.includes('maxRegistrationBytes') === true,
        `what becomes too large is refused in words, not ${answer?.remark}`,
      )
    }
  },
}
