/** A component that is started and stopped together with others. */
export interface Part {
  readonly name: string
  /** Starts. The parts that it needs were started before. */
  start?(): void | Promise<void>
  /** Stops and saves what must be saved. Also called when it was not started, or not completely. */
  stop?(): void | Promise<void>
}

/** Parts in the order in which they start; they stop in the opposite order. */
export class Parts {
  readonly #parts: Part[] = []

  /** Adds parts behind the existing ones. */
  add(...parts: readonly Part[]): void {
    this.#parts.push(...parts)
  }

  /** Starts all parts in sequence. Rejects with the first error; started parts keep running until `stop`. */
  async start(): Promise<void> {
    for (const part of [...this.#parts]) await part.start?.()
  }

  /** Stops all parts, last one first, even if some fail. Then rejects with the first error. */
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
