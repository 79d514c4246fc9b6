/** Something that is started and stopped together with others. */
export interface Part {
  readonly name: string
  /** Begins its work. What it needs of other parts was started before. */
  start?(): void | Promise<void>
  /** Ends its work and keeps what must be kept. Called although it was not started, or not to the end. */
  stop?(): void | Promise<void>
}

/** Parts in the order in which they start; they stop in the opposite order. */
export class Parts {
  readonly #parts: Part[] = []

  /** Adds parts behind those that are there. */
  add(...parts: readonly Part[]): void {
    this.#parts.push(...parts)
  }

  /** Starts all parts, one after the other. Rejects with the first error; what was started stays until `stop`. */
  async start(): Promise<void> {
    for (const part of [...this.#parts]) await part.start?.()
  }

  /** Stops all parts, whatever fails, the last one first. Then rejects with the first error. */
  async stop(): Promise<void> {
    const errors: unknown[] = []
    for (const part of this.#parts.splice(0).reverse()) {
      try {
        await part.stop?.()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
