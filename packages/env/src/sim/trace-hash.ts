/**
 * A hash of the sequence of events: two runs with the same hash did the same. It distinguishes runs; it is not
 * cryptographic.
 */
export class TraceHash {
  /** The hash so far. */
  entries = 0
  // Two lanes of FNV-1a with different seeds and multipliers.
  #low = 0x811c9dc5
  #high = 0x1b873593

  /** Adds an entry: a label, and numbers that belong to it. */
  add(what: string, ...values: readonly number[]): void {
    this.entries++
    for (let at = 0; at < what.length; at++) this.#mix(what.charCodeAt(at))
    for (const value of values) {
      const whole = Math.trunc(value * 1000)
      this.#mix(whole >>> 0)
      this.#mix(Math.trunc(whole / 2 ** 32) >>> 0)
    }
    this.#mix(0x100)
  }

  /** Adds bytes to the next entry. */
  bytes(data: Uint8Array): void {
    for (const byte of data) this.#mix(byte)
  }

  /** Sixteen hexadecimal digits. */
  get hex(): string {
    return (
      (this.#high >>> 0).toString(16).padStart(8, '0') + this.#low.toString(16).padStart(8, '0')
    )
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193) >>> 0
    const mixed = Math.imul(this.#high ^ value, 0x85ebca6b)
    this.#high = ((mixed << 13) | (mixed >>> 19)) >>> 0
  }
}
