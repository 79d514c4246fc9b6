import { errorOfThrown, type Clock } from '@skylarkmq/env'

/** Calls `step` until it returns true: now, and then once in each turn of the event loop, so that others get theirs. */
export function inTurns(clock: Clock, step: () => boolean): void {
  if (step()) return
  clock.after(0, () => {
    inTurns(clock, step)
  })
}

/**
 * Calls `step` with each item, `perTurn` of them in each turn of the event loop, and then `result`. Few items are done
 * at once, and the result comes as it is; else it is a promise.
 */
export function eachInTurns<T, R>(
  clock: Clock,
  items: Iterable<T>,
  perTurn: number,
  step: (item: T) => void,
  result: () => R | Promise<R>,
): R | Promise<R> {
  const iterator = items[Symbol.iterator]()
  const some = (): boolean => {
    for (let left = perTurn; left > 0; left--) {
      const next = iterator.next()
      if (next.done === true) return true
      step(next.value)
    }
    return false
  }
  if (some()) return result()
  return new Promise((resolve, reject) => {
    const goOn = (): void => {
      try {
        if (some()) resolve(result())
        else clock.after(0, goOn)
      } catch (error) {
        reject(errorOfThrown(error))
      }
    }
    clock.after(0, goOn)
  })
}
