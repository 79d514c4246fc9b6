import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../src/sim/index.ts'

test('timers fall due in order of time, and of registration at the same time', () => {
  const clock = manualClock(0)
  const order: string[] = []
  clock.after(20, () => order.push('b'))
  clock.after(10, () => {
    order.push('a')
    clock.after(5, () => order.push('a, later'))
  })
  clock.after(20, () => order.push('c'))
  clock.after(30, () => order.push('never')).cancel()
  clock.advance(100)
  assert.deepEqual(order, ['a', 'a, later', 'b', 'c'])
  assert.equal(clock.now(), 100)
})

test('a repeated timer fires at each of its times until it is called off', () => {
  const clock = manualClock(1000)
  const times: number[] = []
  const timer = clock.every(10, () => {
    times.push(clock.now())
    if (times.length === 3) timer.cancel()
  })
  clock.advance(100)
  assert.deepEqual(times, [1010, 1020, 1030])
})
