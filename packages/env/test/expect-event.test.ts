import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineEvent } from '../src/events.ts'
import { expectEvent } from '../src/sim/expect-event.ts'

const marked = defineEvent({ name: 'test.marked', level: 'info', fields: {}, says: 'Here.' })

/** What a test that expects the event and emits `names` ends with. */
function endOf(...names: string[]): unknown {
  const seen: string[] = []
  const ends: (() => void)[] = []
  expectEvent({ after: (f) => ends.push(f) }, seen, marked)
  seen.push(...names)
  try {
    for (const end of ends) end()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test('a test that expects an event fails at its end without it, and says which ones there were', () => {
  assert.equal(endOf('test.other', 'test.marked'), undefined)
  assert.equal(endOf('test.other'), 'the event test.marked was not emitted; there were: test.other')
  assert.equal(endOf(), 'the event test.marked was not emitted; there were: none')
})
