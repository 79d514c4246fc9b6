import { randomUUID } from 'node:crypto'
import { nodeEnv, silentEvents, type Clock } from '@skylarkmq/env'
import type { Once, OnceStore } from './store.ts'

/** The part of a Redis client that is needed; one of ioredis fits as it is. */
export interface RedisClient {
  /** Runs a script in Redis. */
  eval(script: string, keyCount: number, ...values: (string | number)[]): Promise<unknown>
}

/** Options of a Redis store. */
export interface RedisStoreOptions {
  /** Prefix of each key; default `skylark:once:`. */
  readonly prefix?: string
  /** How long processed keys are kept, ms; default seven days. */
  readonly keepMs?: number
  /**
   * How long a key stays locked after its process died, ms; default 30000. A handler that works longer keeps its key,
   * because the lock is renewed.
   */
  readonly lockMs?: number
}

const DAY_MS = 86_400_000
const DONE = 'done'
// A key holds `done` or the owner of its lock. Scripts are atomic, so that two clients cannot both begin.
const BEGIN = `local held = redis.call('get', KEYS[1])
if held then return held end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return ''`
// Work that is done stays done, even if the lock has passed to another client meanwhile.
const END = `redis.call('set', KEYS[1], '${DONE}', 'px', ARGV[1])
return 1`
const RENEW = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0`
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`

/**
 * Stores keys in Redis. A key is locked while its work is done; if the process dies, others may take it after
 * `lockMs`. The work itself is not part of Redis: if a process dies after the work and before Redis knows, the work
 * is repeated. Keys expire after `keepMs`; `forget` does nothing.
 */
export function redisStore(
  redis: RedisClient,
  options: RedisStoreOptions = {},
): OnceStore<undefined> {
  return redisStoreAt(redis, options, nodeEnv(silentEvents).clock)
}

/** As `redisStore`, with the clock of a test. */
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
      // A failed renewal leaves time for two more.
      const renewal = clock.every(lockMs / 3, () => {
        void quietly(() => redis.eval(RENEW, 1, name, owner, lockMs))
      })
      try {
        await work(undefined)
      } catch (error) {
        // If this fails, the lock expires; the error of the work must not be lost.
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
    // Redis is away: the lock expires, or the next renewal succeeds.
  }
}
