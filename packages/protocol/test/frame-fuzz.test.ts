import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzFrames } from './frame.fuzz.ts'

test('random and damaged frames are read or refused, and nothing else', () => {
  const counts = fuzzFrames(1, 5000)
  assert.ok(counts.frames > 1000)
  assert.ok(counts.hot > 100)
  assert.ok(counts.refused > 1000)
  assert.ok(counts.pendingBytesMax > 0)
})

test('a seed gives the same frames each time', () => {
  assert.deepEqual(fuzzFrames(7, 200), fuzzFrames(7, 200))
})
