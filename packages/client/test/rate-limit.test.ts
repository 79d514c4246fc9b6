import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { RateLimit, type RateLimitOptions } from '../src/consumer/rate-limit.ts'

/** When messages begin, ms from the start, of somebody who always has more. */
function begun(options: RateLimitOptions, forMs: number, idleMs = 0): number[] {
  const clock = manualClock()
  const rate = new RateLimit(clock, options)
  const times: number[] = []
  clock.advance(idleMs)
  const from = clock.monotonic()
  const more = (): void => {
    while (!rate.isEarly(more)) {
      rate.begun()
      times.push(clock.monotonic() - from)
    }
  }
  more()
  for (let ms = 0; ms < forMs; ms++) clock.advance(1)
  return times
}

test('messages begin evenly, not all at the start of a second', () => {
  const times = begun({ messages: 100 }, 1_000)
  assert.ok(times.length >= 100 && times.length <= 103, String(times.length))
  assert.ok(times.filter((ms) => ms < 500).length <= 53)
})

test('a few in a minute are far apart, whatever went before', () => {
  for (const idleMs of [0, 3_600_000]) {
    const times = begun({ messages: 2, per: '1m' }, 65_000, idleMs)
    // A timer that is late is made up for, by 20 ms at most.
    assert.deepEqual(times, [0, 29_980, 59_980])
  }
})

test('more than one in a ms is no more in a second', () => {
  const times = begun({ messages: 10_000, per: 1_000 }, 1_000)
  assert.ok(times.length >= 9_900 && times.length <= 10_210, String(times.length))
})
