import type { Clock } from '@skylarkmq/env'

/** What any call may be told. */
export interface CallOptions {
  /** Ends the waiting: the call rejects with the signal's reason. What was asked of a broker may be done all the same. */
  readonly signal?: AbortSignal | undefined
}

/** What ends a client, a producer, a consumer or a reader. */
export interface CloseOptions extends CallOptions {
  /** How long it may take, ms. */
  readonly timeout?: number | undefined
}

/** As `withSignal` of what `f` returns; nothing is begun once the signal is aborted. */
export async function underSignal<T>({ signal }: CallOptions, f: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  return withSignal(f(), signal)
}

/** Rejects with the signal's reason once it is aborted; what runs goes on, and its outcome is dropped. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      reject(signal.reason as Error)
    }
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
    const done = (): void => {
      signal.removeEventListener('abort', aborted)
    }
    promise.then(resolve, reject)
    promise.then(done, done)
  })
}

/** Calls `f` once the signal is aborted, soon when it is already. Returns what takes that back. */
export function whenAborted(signal: AbortSignal | undefined, f: () => void): () => void {
  if (signal === undefined) return () => undefined
  if (signal.aborted) queueMicrotask(f)
  else signal.addEventListener('abort', f, { once: true })
  return () => {
    signal.removeEventListener('abort', f)
  }
}

/** Rejects with what `late` makes once `ms` of the clock have gone by without an outcome. */
export function within<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => {
      reject(late())
    })
    const done = (): void => {
      timer.cancel()
    }
    promise.then(resolve, reject)
    promise.then(done, done)
  })
}

/** Resolves once the promise has an outcome or `ms` have gone by; true when it had one. Never rejects. */
export function settledWithin(
  clock: Clock,
  ms: number,
  promise: Promise<unknown>,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => {
      resolve(false)
    })
    const done = (): void => {
      timer.cancel()
      resolve(true)
    }
    promise.then(done, done)
  })
}
