import { nodeEnv, silentEvents } from '@skylarkmq/env'
import type { Once, OnceStore } from './store.ts'

/** How much a memory store keeps. */
export interface MemoryStoreOptions {
  /** Keys, at most; the oldest are forgotten first. Default 100000. */
  readonly max?: number
  /** The clock, ms; default that of the process. For tests. */
  readonly now?: () => number
}

/** Remembers in this process: for tests, and where a single consumer does not mind a repeat after its restart. */
export function memoryStore({
  max = 100_000,
  now = () => nodeEnv(silentEvents).clock.now(),
}: MemoryStoreOptions = {}): OnceStore<undefined> {
  /** When each was done; in the order of that. */
  const done = new Map<string, number>()
  const running = new Set<string>()
  return {
    async once(key, work): Promise<Once> {
      if (done.has(key)) return 'repeated'
      if (running.has(key)) return 'busy'
      running.add(key)
      try {
        await work(undefined)
        done.set(key, now())
        for (const oldest of done.keys()) {
          if (done.size <= max) break
          done.delete(oldest)
        }
        return 'done'
      } finally {
        running.delete(key)
      }
    },
    forget(olderThanMs) {
      const before = now() - olderThanMs
      const old = [...done].filter(([, doneMs]) => doneMs < before)
      for (const [key] of old) done.delete(key)
      return Promise.resolve(old.length)
    },
  }
}
