import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OnceFlushed, UnflushedDeliveries } from '../src/index.ts'

test('progress is ready once the log is on disk as far as it counts, until it is forgotten', () => {
  const saved = new OnceFlushed<string>()
  assert.equal(saved.ready(Infinity), undefined)
  saved.keep('first', 100)
  assert.ok(saved.isWaiting)
  assert.equal(saved.ready(99), undefined)
  assert.equal(saved.ready(100), 'first')
  // Saving it may have failed.
  assert.equal(saved.ready(100), 'first')
  saved.keep('second', 200)
  assert.equal(saved.ready(199), undefined)
  saved.forget()
  assert.equal(saved.ready(Infinity), undefined)
  assert.ok(!saved.isWaiting)
})

test('a cut takes deliveries that end behind it and are not known to be on disk', () => {
  const unflushed = new UnflushedDeliveries<{ writtenEnd?: number }>()
  const [a, b, c, none] = [{ writtenEnd: 10 }, { writtenEnd: 20 }, { writtenEnd: 30 }, {}]
  unflushed.written([a, none], 0)
  unflushed.written([b, c], 10)
  assert.deepEqual(unflushed.cut(20), [c])
  assert.deepEqual(unflushed.cut(0), [])
  unflushed.written([a, b], 0)
  assert.deepEqual(unflushed.cut(0), [a, b])
})
