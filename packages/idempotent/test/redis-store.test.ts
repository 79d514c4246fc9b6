import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { redisStoreAt } from '../src/redis-store.ts'

const LOCK_MS = 30_000

/** A Redis of one process, which knows our four scripts by what they call, and forgets as time passes. */
function fakeRedis() {
  const clock = manualClock()
  const keys = new Map<string, { value: string; until: number }>()
  let isAway = false
  const run = (script: string, name: string, value: string, ms: number): unknown => {
    if (isAway) throw new Error('Redis is away')
    const now = clock.monotonic()
    const found = keys.get(name)
    const held = found !== undefined && found.until > now ? found.value : undefined
    if (script.includes("'pexpire'")) {
      if (held !== value) return 0
      keys.set(name, { value, until: now + ms })
      return 1
    }
    if (script.includes("'del'")) return held === value && keys.delete(name) ? 1 : 0
    if (script.includes("'done'")) keys.set(name, { value: 'done', until: now + Number(value) })
    else if (held !== undefined) return held
    else keys.set(name, { value, until: now + ms })
    return ''
  }
  const redis = {
    eval: (script: string, _count: number, name: unknown, value: unknown, ms: unknown) =>
      // As the driver: what fails rejects.
      Promise.resolve().then(() => run(script, String(name), String(value), Number(ms))),
  }
  const away = (to: boolean): void => {
    isAway = to
  }
  return { store: redisStoreAt(redis, { lockMs: LOCK_MS }, clock), clock, away }
}

const turn = (): Promise<void> => new Promise(setImmediate)
const nothing = (): Promise<void> => Promise.resolve()

test('a lock is renewed for as long as its handler works, and its end is noted', async () => {
  const { store, clock, away } = fakeRedis()
  let end: () => void = () => undefined
  const working = store.once('k', () => new Promise((resolve) => (end = resolve)))
  for (let minutes = 0; minutes < 60; minutes++) {
    await turn()
    clock.advance(LOCK_MS / 3)
    assert.equal(await store.once('k', nothing), 'busy')
  }
  // One renewal that Redis does not answer costs nothing, nor does it end the process.
  away(true)
  clock.advance(LOCK_MS / 3)
  await turn()
  away(false)
  assert.equal(await store.once('k', nothing), 'busy')
  end()
  assert.equal(await working, 'done')
  assert.equal(await store.once('k', nothing), 'repeated')
})

test('after the death of a process, others get its key when the lock expires', async () => {
  const { store, clock, away } = fakeRedis()
  void store.once('k', () => new Promise(() => undefined))
  await turn()
  away(true)
  clock.advance(LOCK_MS)
  await turn()
  away(false)
  assert.equal(await store.once('k', nothing), 'done')
})

test('what the work rejects with comes out, though Redis cannot be told', async () => {
  const { store, away } = fakeRedis()
  const failing = store.once('k', () => {
    away(true)
    return Promise.reject(new Error('of the work'))
  })
  await assert.rejects(failing, /of the work/)
})

test('what was done counts, also when the lock was lost meanwhile', async () => {
  const { store, clock, away } = fakeRedis()
  const working = store.once('k', async () => {
    away(true)
    clock.advance(LOCK_MS)
    await turn()
    away(false)
  })
  assert.equal(await working, 'done')
  assert.equal(await store.once('k', nothing), 'repeated')
})
