import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { PullRequestHold } from '../src/longpolling/pull-request-hold.ts'

test('when the log is cut, only pulls that wait behind the end of a queue are answered', () => {
  const ends: Record<string, number> = { cut: 10, whole: 10 }
  const hold = new PullRequestHold(manualClock(), {
    recordAt: () => undefined,
    offsetMax: (topic) => ends[topic] ?? 0,
  })
  const woken: string[] = []
  for (const topic of ['cut', 'whole']) {
    const run = (): void => void woken.push(topic)
    const pull = { group: 'g', topic, queueId: 0, offset: 10, filter: undefined, untilMs: Infinity }
    hold.hold({ ...pull, run })
  }
  hold.cut()
  assert.deepEqual(woken, [])
  ends['cut'] = 5
  hold.cut()
  assert.deepEqual(woken, ['cut'])
  assert.equal(hold.count, 1)
})
