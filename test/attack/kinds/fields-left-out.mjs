import { askCases } from '../field-cases.mjs'

/** What a request does not say, or says wrong, must cost it an answer and nobody else anything. */
export default {
  name: 'fields-left-out',
  says: 'every field and part of a body left out, empty, of another type or too great',
  growMiB: 192,
  async attack(field) {
    const silent = new Map()
    const isWanted = ({ id, column }) =>
      !['control', 'path up', '64 KiB'].includes(column) && (!field.isShort || id % 7 === 0)
    let asked = 0
    await askCases(field, isWanted, field.isShort ? 1 : 0, (one, answer) => {
      asked++
      if (answer === undefined) silent.set(one.request, (silent.get(one.request) ?? 0) + 1)
    })
    field.expect(asked > 500, `${asked} cases were tried`)
    // A producer that does not know yet how its transaction ends is not answered.
    silent.delete('END_TRANSACTION')
    field.expect(silent.size === 0, `no answer: ${[...silent].join('; ')}`)
  },
}
