import { AsyncResource } from 'node:async_hooks'

/**
 * Where functions of the user are called from: each call has an async context of its own, that of where this was made. What
 * one leaves in an AsyncLocalStorage by `enterWith` is not there for the next, which on Node 20 it would be.
 */
export class UserContext {
  readonly #root = new AsyncResource('RocketMQ')

  /** Calls `f`, and returns what it returns. Throws what it throws. */
  run<T>(f: () => T): T {
    // `enterWith` changes the resource that it is called in: none is used twice.
    const own = this.#root.runInAsyncScope(() => new AsyncResource('RocketMQ.call'))
    return own.runInAsyncScope(f)
  }
}

/**
 * Calls a function of the user that has to answer at once, and returns its answer; `what` names it. Throws what it throws,
 * and a TypeError for a promise: its answer would come too late, and its rejection would end the process.
 */
export function answeredNow<T>(what: string, call: () => T): T {
  const answer = call()
  if (!letGo(answer)) return answer
  throw new TypeError(`${what} gave a promise: it has to answer at once`)
}

/** Whether a value is a promise; what it rejects with ends nothing then. */
export function letGo(value: unknown): boolean {
  try {
    if (!isThenable(value)) return false
  } catch {
    return false
  }
  Promise.resolve(value).catch(() => undefined)
  return true
}

/** Whether a value can be waited for. Throws what its getter throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof (value as { readonly then?: unknown }).then === 'function'
}
