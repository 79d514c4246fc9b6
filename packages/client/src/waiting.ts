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

/** What is called when a signal is aborted, and the one listener that does so. */
interface Aborted {
  readonly calls: Set<{ readonly call: () => void }>
  readonly listener: () => void
}

/** A signal walks through all its listeners when one comes: calls that share a signal have one together. */
const aborted = new WeakMap<AbortSignal, Aborted>()

function abortedOf(signal: AbortSignal): Aborted {
  const known = aborted.get(signal)
  if (known !== undefined) return known
  const calls: Aborted['calls'] = new Set()
  const listener = (): void => {
    aborted.delete(signal)
    for (const { call } of calls) call()
  }
  const made = { calls, listener }
  aborted.set(signal, made)
  signal.addEventListener('abort', listener, { once: true })
  return made
}

/** Calls `f` when the signal, which is not aborted yet, is. Returns what takes that back. */
function onAbort(signal: AbortSignal, f: () => void): () => void {
  const { calls, listener } = abortedOf(signal)
  const entry = { call: f }
  calls.add(entry)
  return () => {
    if (!calls.delete(entry) || calls.size > 0 || aborted.get(signal)?.calls !== calls) return
    aborted.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}

/** Rejects with the signal's reason once it is aborted; what runs continues, and its outcome is dropped. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error)
    }
    if (signal.aborted) abort()
    const done = signal.aborted ? () => undefined : onAbort(signal, abort)
    promise.then(resolve, reject)
    promise.then(done, done)
  })
}

/** Calls `f` once the signal is aborted, soon when it is already. Returns what takes that back. */
export function whenAborted(signal: AbortSignal | undefined, f: () => void): () => void {
  if (signal === undefined) return () => undefined
  if (!signal.aborted) return onAbort(signal, f)
  queueMicrotask(f)
  return () => undefined
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

/** Waits for all, also when one fails; rejects as the first that failed. */
export async function allOf(running: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(running)
  const failed = ended.find((each) => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
