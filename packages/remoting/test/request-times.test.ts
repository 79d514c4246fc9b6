import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { PullMessage, ResponseCode, SendMessageV2 } from '@skylarkmq/protocol'
import type { ReceivedRequest } from '../src/received-request.ts'
import { RequestTimes } from '../src/request-times.ts'

type Timed = Pick<ReceivedRequest, 'definition' | 'isOneway' | 'arrivedMs' | 'isLate' | 'isHeld'>

test('each request is counted by its name, its answer and how it was answered', () => {
  const clock = manualClock()
  const times = new RequestTimes(clock)
  const arrivedMs = clock.monotonic()
  const answered = (is: Partial<Timed>, code: number = ResponseCode.SUCCESS): void => {
    const plain = { definition: SendMessageV2, isOneway: false, isLate: false, isHeld: false }
    times.answered({ ...plain, arrivedMs, ...is }, code)
  }
  answered({})
  answered({ isOneway: true })
  answered({}, ResponseCode.SYSTEM_BUSY)
  answered({}, 4711)
  clock.advance(2_500)
  answered({ definition: PullMessage, isLate: true, isHeld: true })
  const rows = [...times.all].map(({ request, response, isHeld, isOneway, times: of }) => [
    ...[request, response, isHeld, isOneway, of.count, of.sum],
  ])
  assert.deepEqual(rows, [
    ['send_message_v2', 'success', false, false, 1, 0],
    ['send_message_v2', 'success', false, true, 1, 0],
    ['send_message_v2', 'system_busy', false, false, 1, 0],
    ['send_message_v2', '4711', false, false, 1, 0],
    ['pull_message', 'success', true, false, 1, 2_500],
  ])
})

test('of requests that came together and are answered at once some share a reading of the clock, others never', () => {
  const clock = manualClock()
  const times = new RequestTimes(clock)
  const arrivedMs = clock.monotonic()
  const plain = { definition: SendMessageV2, isOneway: false, isHeld: false }
  const answered = (is: Pick<Timed, 'isLate' | 'arrivedMs'>): void => {
    times.answered({ ...plain, ...is }, ResponseCode.SUCCESS)
  }
  for (let i = 0; i < 16; i++) {
    answered({ arrivedMs, isLate: false })
    clock.advance(1)
  }
  const [row] = times.all
  assert.deepEqual([row?.times.count, row?.times.sum], [16, 0])
  answered({ arrivedMs, isLate: false })
  assert.equal(row?.times.sum, 16, 'the seventeenth is timed')
  answered({ arrivedMs, isLate: true })
  assert.equal(row.times.sum, 32, 'one that waited is timed by itself')
  const laterMs = clock.monotonic()
  clock.advance(5)
  answered({ arrivedMs: laterMs, isLate: false })
  assert.equal(row.times.sum, 37, 'as is the first that came later')
})
