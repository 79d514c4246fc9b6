import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { answeredNow, letGo, UserContext } from '../src/user-code.ts'

test('the AsyncLocalStorage of one call is visible neither to the next nor to the caller', async () => {
  const storage = new AsyncLocalStorage<string>()
  const context = storage.run('of who began', () => new UserContext())
  const seen: (string | undefined)[] = []
  const call = async (name: string): Promise<void> => {
    seen.push(storage.getStore())
    storage.enterWith(name)
    await Promise.resolve()
    seen.push(storage.getStore())
  }
  // One is called by what continues after the other, as handlers are.
  await context.run(() => call('one'))
  await context.run(() => call('two'))
  assert.deepEqual(seen, ['of who began', 'one', 'of who began', 'two'])
  assert.equal(storage.getStore(), undefined)
})

test('a promise from a synchronous callback is refused, and its rejection breaks nothing', async () => {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- odd ones are the point
  const rejecting = (): unknown => Promise.reject(Object.create(null))
  assert.throws(() => answeredNow('the selector', rejecting), /the selector gave a promise/)
  assert.equal(letGo(rejecting()), true)
  assert.equal(letGo({ then: 1 }), false)
  assert.equal(letGo(new Proxy({}, { get: () => assert.fail() })), false)
  assert.equal(
    answeredNow('it', () => 7),
    7,
  )
  await new Promise(setImmediate)
})
