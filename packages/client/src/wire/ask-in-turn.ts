import { errorOfThrown, type Clock, type Timer } from '@skylarkmq/env'

/** Several who can all answer one question. */
export interface AskedInTurn<T> {
  readonly clock: Clock
  /** Who is asked, in this order. */
  readonly order: readonly number[]
  /** How long one is waited for before the next is asked too, ms. Who was asked may still answer. */
  readonly patienceMs: number
  ask(who: number): Promise<T>
  /** Whether the others need not be asked any more. */
  isEnough(value: T, who: number): boolean
  /** Whether who failed is asked once more, after the others. */
  isAskedAgain(error: unknown, who: number): boolean
}

/**
 * Asks one after the other until an answer is enough: the next one once one has failed, has answered with less, or has said
 * nothing for a while. Without an answer that is enough the first of the others counts, and when there is none the last error.
 */
export function askInTurn<T>(asked: AskedInTurn<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const { clock, patienceMs } = asked
    const order = [...asked.order]
    const again = new Set<number>()
    let waiting = 0
    let less: { readonly value: T } | undefined
    let last = new Error('nobody was asked')
    let timer: Timer | undefined

    const next = (): void => {
      timer?.cancel()
      const who = order.shift()
      if (who === undefined) {
        if (less !== undefined) resolve(less.value)
        else if (waiting === 0) reject(last)
        return
      }
      waiting++
      timer = clock.after(patienceMs, next)
      asked.ask(who).then(
        (value) => {
          waiting--
          if (asked.isEnough(value, who)) {
            timer?.cancel()
            order.length = 0
            resolve(value)
            return
          }
          less ??= { value }
          afterOne()
        },
        (error: unknown) => {
          waiting--
          last = errorOfThrown(error)
          if (!again.has(who) && asked.isAskedAgain(error, who)) {
            again.add(who)
            order.push(who)
          }
          afterOne()
        },
      )
    }
    /** One has said what it has to say: the next is asked at once, and who is left is waited for as long as usual. */
    const afterOne = (): void => {
      if (order.length > 0 || waiting === 0) next()
      else if (less !== undefined) {
        timer?.cancel()
        timer = clock.after(patienceMs, next)
      }
    }
    next()
  })
}
