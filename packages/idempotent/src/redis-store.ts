import { randomUUID } from 'node:crypto'
import type { Once, OnceStore } from './store.ts'

/** What is needed of a client of Redis: that of ioredis as it is. */
export interface RedisClient {
  /** Runs a script in Redis. */
  eval(script: string, keyCount: number, ...values: (string | number)[]): Promise<unknown>
}

/** How long Redis remembers. */
export interface RedisStoreOptions {
  /** Goes before each key; default `skylark:once:`. */
  readonly prefix?: string
  /** How long it remembers what was done, ms; default seven days. */
  readonly keepMs?: number
  /**
   * After how long somebody else may do work of which nobody said that it ended, ms; default five minutes. Longer than
   * any handler takes.
   */
  readonly lockMs?: number
}

const DAY_MS = 86_400_000
const DONE = 'done'
// A key holds `done`, or who works on it. The scripts run as one, so that two clients cannot both begin.
const BEGIN = `local held = redis.call('get', KEYS[1])
if held then return held end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return ''`
const END = `if redis.call('get', KEYS[1]) == ARGV[1] then
  redis.call('set', KEYS[1], '${DONE}', 'px', ARGV[2])
  return 1
end
return 0`
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`

/**
 * Remembers in Redis. The work itself is not part of that: a process that dies when its work is done and before Redis
 * knows does it again once `lockMs` are over. Keys go by themselves after `keepMs`; `forget` does nothing.
 */
export function redisStore(
  redis: RedisClient,
  { prefix = 'skylark:once:', keepMs = 7 * DAY_MS, lockMs = 300_000 }: RedisStoreOptions = {},
): OnceStore<undefined> {
  return {
    async once(key, work): Promise<Once> {
      const name = prefix + key
      const owner = randomUUID()
      const held = await redis.eval(BEGIN, 1, name, owner, lockMs)
      if (held === DONE) return 'repeated'
      if (held !== '') return 'busy'
      try {
        await work(undefined)
      } catch (error) {
        await redis.eval(RELEASE, 1, name, owner)
        throw error
      }
      await redis.eval(END, 1, name, owner, keepMs)
      return 'done'
    },
    forget: () => Promise.resolve(0),
  }
}
