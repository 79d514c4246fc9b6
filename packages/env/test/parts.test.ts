import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Parts, type Part } from '../src/parts.ts'

/** Parts that note what is done to them; those of `failing` throw after it. */
function noting(names: readonly string[], failing: readonly string[] = []) {
  const done: string[] = []
  const does = (what: string) => {
    done.push(what)
    if (failing.includes(what)) throw new Error(`${what} failed`)
  }
  const parts = new Parts()
  const partOf = (name: string): Part => ({
    name,
    start: () =>
      Promise.resolve().then(() => {
        does(`start ${name}`)
      }),
    stop: () => {
      does(`stop ${name}`)
    },
  })
  parts.add(...names.map(partOf))
  return { parts, done }
}

test('parts start in their order, one after the other, and stop in the opposite order', async () => {
  const { parts, done } = noting(['disk', 'tables', 'port'])
  parts.add({ name: 'without either' })
  await parts.start()
  await parts.stop()
  const starts = ['start disk', 'start tables', 'start port']
  assert.deepEqual(done, [...starts, 'stop port', 'stop tables', 'stop disk'])
})

test('a part that cannot start keeps those behind it from starting, and all are stopped nevertheless', async () => {
  const { parts, done } = noting(['disk', 'tables', 'port'], ['start tables'])
  await assert.rejects(parts.start(), /start tables failed/)
  await parts.stop()
  assert.deepEqual(done, ['start disk', 'start tables', 'stop port', 'stop tables', 'stop disk'])
})

test('a part that cannot stop does not prevent others from stopping, and the first error is thrown', async () => {
  const { parts, done } = noting(['disk', 'tables', 'port'], ['stop tables', 'stop port'])
  await parts.start()
  await assert.rejects(parts.stop(), /stop port failed/)
  assert.deepEqual(done.slice(3), ['stop port', 'stop tables', 'stop disk'])
  await parts.stop()
  assert.equal(done.length, 6)
})
