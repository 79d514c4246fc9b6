/** What became of sharing out the queues of each topic. */
export class Sharing {
  readonly #shared = new Set<string>()
  readonly #missing = new Set<string>()
  /** Since when it fails, on the monotonic clock. */
  readonly #failingMs = new Map<string, number>()

  /** A topic was looked at: its queues were shared out, or it is not there yet. */
  shared(topic: string, isThere: boolean): void {
    this.#shared.add(topic)
    this.#failingMs.delete(topic)
    if (isThere) this.#missing.delete(topic)
    else this.#missing.add(topic)
  }

  /** Nobody said how its queues are to be shared out. */
  failed(topic: string, nowMs: number): void {
    if (!this.#failingMs.has(topic)) this.#failingMs.set(topic, nowMs)
  }

  /** Whether it was looked at once. */
  isShared(topic: string): boolean {
    return this.#shared.has(topic)
  }

  /** Whether it was not there when it was looked at last. */
  isMissing(topic: string): boolean {
    return this.#missing.has(topic)
  }

  /** Since when it fails, on the monotonic clock; undefined when it does not. */
  failingMs(topic: string): number | undefined {
    return this.#failingMs.get(topic)
  }
}
