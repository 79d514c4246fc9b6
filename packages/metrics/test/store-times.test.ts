import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreTimes } from '../src/broker/store-times.ts'

test('the store is asked once for the message at which a group stands, and again once it was not asked for in a whole scrape', () => {
  const asked: number[] = []
  const times = new StoreTimes({
    storeTimeOf: (_topic, _queueId, offset) => {
      asked.push(offset)
      if (offset === 13) throw new Error('EIO')
      return 1_000 + offset
    },
  })
  const at = (offset: number): number => times.of('T@G', 'T', 0, offset)
  assert.deepEqual([at(5), at(5)], [1_005, 1_005])
  times.forgetOld()
  assert.equal(at(5), 1_005)
  assert.deepEqual(asked, [5])
  assert.equal(at(6), 1_006)
  assert.equal(times.of('T@other', 'T', 0, 6), 1_006)
  assert.deepEqual(asked, [5, 6, 6])
  times.forgetOld()
  times.forgetOld()
  assert.equal(at(6), 1_006)
  assert.equal(at(13), -1, 'a file that cannot be read')
  assert.deepEqual(asked, [5, 6, 6, 6, 13])
})
