import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Line } from '../src/line.ts'

test('a line releases waiters in the order of arrival, whatever comes in between', () => {
  const line = new Line<number>()
  const wanted: number[] = []
  const gone: number[] = []
  for (let i = 0; i < 5_000; i++) {
    line.push(i)
    wanted.push(i)
    // Two come for one that goes, then two go for one that comes.
    for (let left = i % 2 === 0 && i < 2_500 ? 0 : i < 2_500 ? 1 : 2; left > 0; left--) {
      assert.equal(line.first, wanted[0])
      const first = line.shift()
      if (first !== undefined) gone.push(first)
      wanted.shift()
    }
  }
  for (let first = line.shift(); first !== undefined; first = line.shift()) gone.push(first)
  assert.deepEqual(
    gone,
    Array.from({ length: 5_000 }, (_, i) => i),
  )
  line.push(1)
  line.clear()
  assert.equal(line.shift(), undefined)
  line.push(2)
  assert.equal(line.first, 2)
})
