import { nodeEnv, silentEvents } from '@skylarkmq/env'
import type { Once, TransactionStore } from './store.ts'

/** Limits of a memory store. */
export interface MemoryStoreOptions {
  /** Maximum number of keys; the oldest are dropped first. Default 100000. */
  readonly max?: number
  /** The clock, ms; default that of the process. For tests. */
  readonly now?: () => number
}

/** A transaction in memory, which succeeds or fails as a whole. */
export interface MemoryTransaction {
  /**
   * Registers an effect that runs when the work has succeeded, together with storing its key, and never if it fails.
   * It must not throw.
   */
  onCommit(effect: () => void): void
}

/**
 * A store in the memory of this process: for tests (of outboxes as well), and for a single consumer that tolerates a
 * repeat after its restart.
 */
export function memoryStore({
  max = 100_000,
  now = () => nodeEnv(silentEvents).clock.now(),
}: MemoryStoreOptions = {}): TransactionStore<MemoryTransaction> {
  /** Completion time by key, in order of completion. */
  const done = new Map<string, number>()
  const running = new Set<string>()
  const note = (key: string): void => {
    done.set(key, now())
    for (const oldest of done.keys()) {
      if (done.size <= max) break
      done.delete(oldest)
    }
  }
  return {
    async once(key, work): Promise<Once> {
      if (done.has(key)) return 'repeated'
      if (running.has(key)) return 'busy'
      running.add(key)
      try {
        await transaction(async (tx) => {
          await work(tx)
          tx.onCommit(() => {
            note(key)
          })
        })
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
    transaction,
    ...keeping(now),
  }
}

async function transaction<T>(work: (tx: MemoryTransaction) => Promise<T>): Promise<T> {
  const effects: (() => void)[] = []
  const result = await work({ onCommit: (effect) => void effects.push(effect) })
  for (const effect of effects) effect()
  return result
}

/** The part of the store that keeps an outbox's messages. */
function keeping(
  now: () => number,
): Pick<TransactionStore<MemoryTransaction>, 'keep' | 'take' | 'sent'> {
  const kept = new Map<string, { readonly message: string; due: number }>()
  return {
    keep(tx, id, message, dueMs) {
      tx.onCommit(() => kept.set(id, { message, due: now() + dueMs }))
      return Promise.resolve()
    },
    take(max, againMs) {
      const taken = [...kept].filter(([, { due }]) => due <= now()).slice(0, max)
      for (const [, each] of taken) each.due = now() + againMs
      return Promise.resolve(taken.map(([id, { message }]) => ({ id, message })))
    },
    sent(id) {
      kept.delete(id)
      return Promise.resolve()
    },
  }
}
