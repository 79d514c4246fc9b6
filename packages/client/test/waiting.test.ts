import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { underSignal, whenAborted, withSignal } from '../src/waiting.ts'

const never = new Promise<void>(() => undefined)

test('all calls that share a signal end with it, by one listener', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const calls = Array.from({ length: 100 }, () => withSignal(never, signal))
  let heard = 0
  whenAborted(signal, () => heard++)
  const takeBack = whenAborted(signal, () => assert.fail('it was taken back'))
  takeBack()
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  const reason = new Error('enough')
  controller.abort(reason)
  for (const each of await Promise.allSettled(calls)) {
    assert.ok(each.status === 'rejected' && each.reason === reason)
  }
  assert.equal(heard, 1)
  await assert.rejects(withSignal(never, signal), reason)
  await assert.rejects(
    underSignal({ signal }, () => never),
    reason,
  )
  whenAborted(signal, () => heard++)
  await Promise.resolve()
  assert.equal(heard, 2)
})

test('a signal that no call uses any more is in its original state', async () => {
  const { signal } = new AbortController()
  assert.equal(await withSignal(Promise.resolve('done'), signal), 'done')
  await withSignal(Promise.reject(new Error('no')), signal).catch(() => undefined)
  whenAborted(signal, () => undefined)()
  await Promise.resolve()
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  assert.equal(await withSignal(Promise.resolve('again'), signal), 'again')
})
