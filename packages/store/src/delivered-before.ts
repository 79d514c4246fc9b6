import { findProperty } from '@skylarkmq/protocol'

/**
 * Deliveries of messages that waited which the log has and the progress saved before a crash does not know of. Each
 * stands for one: equal messages are counted.
 */
export class DeliveredBefore {
  readonly #times = new Map<string, number>()

  /** Whether nothing was found. */
  get isEmpty(): boolean {
    return this.#times.size === 0
  }

  /** Counts a delivery that was found in the log. */
  found(key: string): void {
    this.#times.set(key, (this.#times.get(key) ?? 0) + 1)
  }

  /** True when what is about to be delivered was found; that one counts no more. */
  take(key: string): boolean {
    const times = this.#times.get(key) ?? 0
    if (times > 0) this.#times.set(key, times - 1)
    return times > 0
  }
}

/** Tells deliveries to a topic apart, by the values of some properties. */
export function deliveryKey(
  topic: string,
  properties: Buffer,
  names: readonly (string | Uint8Array)[],
): string {
  const values = names.map((name) => {
    const span = findProperty(properties, name)
    return span === undefined ? '' : properties.toString('utf8', span.start, span.end)
  })
  return [topic, ...values].join('\x01')
}
