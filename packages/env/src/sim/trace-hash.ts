/**
 * A hash over what happened, in its order: two runs with the same hash did the same. It tells runs apart, and is no
 * protection against anyone who means to deceive.
 */
export class TraceHash {
  /** What was hashed so far. */
  entries = 0
  // Two lanes of FNV-1a, which start and multiply differently.
  #low = 0x811c9dc5
  #high = 0x1b873593

  /** Adds an entry: what happened, and numbers that go with it. */
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

  /** Adds bytes to the entry that comes next. */
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
