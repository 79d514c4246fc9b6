import { findProperty } from '@skylarkmq/protocol'

/**
 * Deliveries that are in the log but not in the progress saved before a crash. They are counted, so that of equal
 * messages each matches one delivery.
 */
export class DeliveredBefore {
  readonly #times = new Map<string, number>()

  #left = 0

  /** Whether nothing was found, or everything was taken. */
  get isEmpty(): boolean {
    return this.#left === 0
  }

  /** Counts a delivery that was found in the log. */
  found(key: string): void {
    this.#times.set(key, (this.#times.get(key) ?? 0) + 1)
    this.#left++
  }

  /** Whether the message about to be delivered was already delivered; consumes the match. */
  take(key: string): boolean {
    const times = this.#times.get(key) ?? 0
    if (times === 0) return false
    this.#times.set(key, times - 1)
    this.#left--
    return true
  }
}

/** The key of a delivery: its kind (`what`) and the values of some properties. */
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
