import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '../src/histogram.ts'

test('a value is counted in the first bucket whose bound is not below it, and two histograms add up', () => {
  const one = new Histogram([1, 10])
  for (const value of [0, 1, 1.5, 10, 11, 1e9]) one.observe(value)
  assert.deepEqual([...one.counts], [2, 2, 2])
  assert.equal(one.sum, 1e9 + 23.5)
  const other = new Histogram([1, 10])
  other.observe(5)
  other.merge(one)
  assert.deepEqual([[...other.counts], other.count], [[2, 3, 2], 7])
  assert.equal(one.count, 6)
})
