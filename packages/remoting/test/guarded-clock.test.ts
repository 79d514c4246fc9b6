import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { guardedClock } from '../src/guarded-clock.ts'

test('a timer that throws is reported, continues, and delays no other', () => {
  const clock = manualClock()
  const told: unknown[] = []
  const guarded = guardedClock(clock, { emit: (_, values) => void told.push(values) })
  let calls = 0
  const every = guarded.every(10, () => {
    calls++
    throw new Error('a bug')
  })
  let once = 0
  guarded.after(15, () => once++)
  clock.advance(35)
  assert.deepEqual([calls, once, told.length], [3, 1, 3])
  assert.match(JSON.stringify(told[0]), /a bug ← /)
  every.cancel()
  clock.advance(100)
  assert.equal(calls, 3)
})
