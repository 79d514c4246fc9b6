import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SpacedWrites } from '../src/spaced-writes.ts'
import { manualClock } from '../src/sim/manual-clock.ts'

/** Writes that are counted, take some time and may fail. */
function spaced(tookMs = 0) {
  const clock = manualClock()
  const state = { writes: 0, failure: undefined as Error | undefined }
  const writes = new SpacedWrites(
    clock,
    () => 100,
    () => {
      clock.advance(tookMs)
      state.writes++
      if (state.failure !== undefined) throw state.failure
    },
  )
  return { clock, state, writes }
}

test('a change after a pause is written at once, a thousand that follow are one write at the end of the next', async () => {
  const { clock, state, writes } = spaced()
  assert.equal(writes.changed(), undefined)
  assert.equal(state.writes, 1)
  const waiting = Array.from({ length: 1000 }, async () => {
    await writes.changed()
  })
  clock.advance(99)
  assert.equal(state.writes, 1)
  clock.advance(1)
  assert.equal(state.writes, 2)
  await Promise.all(waiting)
  assert.equal(writes.waiting, undefined)
  clock.advance(1000)
  assert.equal(state.writes, 2)
  assert.equal(writes.changed(), undefined)
  assert.equal(state.writes, 3)
})

test('no change is acknowledged before the write that contains it', async () => {
  const { clock, state, writes } = spaced()
  void writes.changed()
  let toldAfter = 0
  const told = writes.changed()?.then(() => (toldAfter = state.writes))
  await Promise.resolve()
  assert.equal(toldAfter, 0)
  clock.advance(100)
  await told
  assert.equal(toldAfter, 2)
})

test('waiters learn of a failed write, and the next change is written again', async () => {
  const { clock, state, writes } = spaced()
  void writes.changed()
  state.failure = new Error('the disk is full')
  const waiting = writes.changed()
  // Nobody has to look at it.
  void writes.changed()
  clock.advance(100)
  await assert.rejects(waiting ?? Promise.resolve(), /the disk is full/)
  const next = writes.changed()
  state.failure = undefined
  clock.advance(100)
  await next
  clock.advance(100)
  state.failure = new Error('the disk is full')
  assert.throws(() => writes.changed(), /the disk is full/)
})

test('a last write does not wait, and settles all waiters', async () => {
  const { clock, state, writes } = spaced()
  void writes.changed()
  const waiting = writes.changed()
  writes.now()
  assert.equal(state.writes, 2)
  await waiting
  clock.advance(1000)
  assert.equal(state.writes, 2)
})

test('writes that take long take a tenth of the time at most', () => {
  const { clock, state, writes } = spaced(50)
  for (let ms = 0; ms < 10_000; ms += 10) {
    void writes.changed()
    clock.advance(10)
  }
  assert.ok(state.writes >= 10 && state.writes <= 25, `${state.writes} writes`)
})
