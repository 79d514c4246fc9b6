import { askCases } from '../field-cases.mjs'

// eslint-disable-next-line no-control-regex -- those are looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/
const CLEAN_UNUSED_TOPIC = 316
const NAMED = /control|path up|64 KiB/

/** Line ends and escapes in names reached the log and other clients; path separators reached the disk. */
export default {
  name: 'bad-names',
  says: 'control characters, path separators and 64 KiB in every field and every part of a body',
  growMiB: 192,
  async attack(field) {
    let asked = 0
    for (const serialization of field.isShort ? [1] : [0, 1]) {
      await askCases(
        field,
        ({ id, column }) => NAMED.test(column) && (!field.isShort || id % 3 === 0),
        serialization,
        (one, answer) => {
          asked++
          const what = `${one.request} ${one.row}, ${one.column}`
          field.expect(!CONTROL.test(answer?.remark ?? ''), `${what}: the remark is not clean`)
        },
      )
    }
    field.expect(asked > (field.isShort ? 400 : 1000), `${asked} names were tried`)
    const cleaned = await field.call(field.brokerPort, { code: CLEAN_UNUSED_TOPIC })
    field.expect(cleaned?.code === 0, `cleaning up got ${cleaned?.code}`)
  },
}
