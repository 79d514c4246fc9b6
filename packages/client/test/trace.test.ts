import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { TraceDispatcher } from '../src/trace/trace-dispatcher.ts'

interface Sent {
  readonly body: string
  readonly keys: readonly string[]
}

/** A dispatcher whose messages are collected. */
function dispatching() {
  const sent: Sent[] = []
  const clock = manualClock()
  const dispatcher = new TraceDispatcher(clock, (body, keys) => {
    sent.push({ body, keys })
    return Promise.resolve()
  })
  return { sent, clock, dispatcher }
}

test('entries of the trace wait half a second for others, and ten of them go at once', async () => {
  const { sent, clock, dispatcher } = dispatching()
  dispatcher.add({ text: 'a', keys: ['1'] })
  dispatcher.add({ text: 'b', keys: ['2', '1'] })
  assert.equal(sent.length, 0)
  clock.advance(500)
  assert.deepEqual(sent[0], { body: 'ab', keys: ['1', '2'] })
  for (let i = 0; i < 10; i++) dispatcher.add({ text: String(i), keys: [] })
  assert.equal(sent[1]?.body, '0123456789')
  dispatcher.add({ text: 'last', keys: [] })
  await dispatcher.close()
  assert.equal(sent[2]?.body, 'last')
})

test('a long entry goes in a message of its own', async () => {
  const { sent, dispatcher } = dispatching()
  dispatcher.add({ text: 'x'.repeat(130_000), keys: [] })
  dispatcher.add({ text: 'y', keys: [] })
  await dispatcher.close()
  assert.deepEqual(
    sent.map(({ body }) => body.length),
    [130_000, 1],
  )
})
