import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { TurnShares, type Unfinished } from '../src/turn-shares.ts'

test('a connection that has had nothing yet is served before those with more to come', () => {
  const clock = manualClock()
  let next: () => void = () => undefined
  const turn = {
    writes: () => undefined,
    sends: () => undefined,
    next: (f: () => void) => (next = f),
  }
  const shares = new TurnShares({ clock, turn })
  const order: string[] = []
  const named = (name: string): Unfinished => ({
    goOn: () => {
      order.push(name)
      clock.advance(4)
    },
  })
  for (const name of ['a', 'b', 'c', 'd']) shares.wait(named(name))
  shares.wait(named('new'), true)
  next()
  // What is left of the time is for those that wait, for one at least; the others keep their places.
  assert.deepEqual(order, ['new', 'a'])
  shares.wait(named('newer'), true)
  next()
  assert.deepEqual(order, ['new', 'a', 'newer', 'b'])
})
