import { randomUUID } from 'node:crypto'
import { nodeEnv, silentEvents, type Clock } from '@skylarkmq/env'
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
   * How long a key stays locked when its process died, ms; default 30000. A handler that works longer keeps its key: the lock
   * is renewed meanwhile.
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
// What was done was done, also when the lock went to somebody else meanwhile.
const END = `redis.call('set', KEYS[1], '${DONE}', 'px', ARGV[1])
return 1`
const RENEW = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0`
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`

/**
 * Remembers in Redis. A key is locked while its work is done; who dies at it leaves it to others after `lockMs`. The work
 * itself is not part of Redis: a process that dies when its work is done and before Redis knows does it again. Keys go by
 * themselves after `keepMs`; `forget` does nothing.
 */
export function redisStore(
  redis: RedisClient,
  options: RedisStoreOptions = {},
): OnceStore<undefined> {
  return redisStoreAt(redis, options, nodeEnv(silentEvents).clock)
}

/** As `redisStore`, with a clock of a test. */
export function redisStoreAt(
  redis: RedisClient,
  { prefix = 'skylark:once:', keepMs = 7 * DAY_MS, lockMs = 30_000 }: RedisStoreOptions,
  clock: Clock,
): OnceStore<undefined> {
  return {
    async once(key, work): Promise<Once> {
      const name = prefix + key
      const owner = randomUUID()
      const held = await redis.eval(BEGIN, 1, name, owner, lockMs)
      if (held === DONE) return 'repeated'
      if (held !== '') return 'busy'
      // One that fails leaves time for two more.
      const renewal = clock.every(lockMs / 3, () => {
        void quietly(() => redis.eval(RENEW, 1, name, owner, lockMs))
      })
      try {
        await work(undefined)
      } catch (error) {
        // Without it the lock runs out by itself; what the work said must not be lost for that.
        await quietly(() => redis.eval(RELEASE, 1, name, owner))
        throw error
      } finally {
        renewal.cancel()
      }
      await redis.eval(END, 1, name, keepMs)
      return 'done'
    },
    forget: () => Promise.resolve(0),
  }
}

async function quietly(call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch {
    // Redis is away: the lock runs out, or is renewed the next time.
  }
}
