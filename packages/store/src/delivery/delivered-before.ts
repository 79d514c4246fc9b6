import { findProperty } from '@skylarkmq/protocol'

/**
 * Deliveries of messages that waited which the log has and the progress saved before a crash does not know of. Each
 * stands for one: equal messages are counted.
 */
export class DeliveredBefore {
  readonly #times = new Map<string, number>()

  #left = 0

  /** Whether nothing was found, or all of it was taken. */
  get isEmpty(): boolean {
    return this.#left === 0
  }

  /** Counts a delivery that was found in the log. */
  found(key: string): void {
    this.#times.set(key, (this.#times.get(key) ?? 0) + 1)
    this.#left++
  }

  /** True when what is about to be delivered was found; that one counts no more. */
  take(key: string): boolean {
    const times = this.#times.get(key) ?? 0
    if (times === 0) return false
    this.#times.set(key, times - 1)
    this.#left--
    return true
  }
}

/** Tells deliveries apart, by `what` they are and the values of some properties. */
export function deliveryKey(
  what: string,
  properties: Buffer,
  names: readonly (string | Uint8Array)[],
): string {
  const values = names.map((name) => {
    const span = findProperty(properties, name)
    return span === undefined ? '' : properties.toString('utf8', span.start, span.end)
  })
  return [what, ...values].join('\x01')
}
