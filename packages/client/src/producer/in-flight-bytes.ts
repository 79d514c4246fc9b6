interface Waiter {
  readonly bytes: number
  readonly resolve: () => void
}

/** Bounds the bytes that wait for their answers: who comes when it is full waits, in order. */
export class InFlightBytes {
  readonly #max: number
  #bytes = 0
  #waiting: Waiter[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** Takes room at once; false when there is none. A body larger than all room has it alone. */
  take(bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** Waits for room. The second part gives the place in the queue up; it returns false when the room is taken already. */
  wait(bytes: number): { readonly room: Promise<void>; readonly giveUp: () => boolean } {
    let place: Waiter | undefined
    const room = new Promise<void>((resolve) => {
      place = { bytes, resolve }
      this.#waiting.push(place)
    })
    const giveUp = (): boolean => {
      const before = this.#waiting.length
      this.#waiting = this.#waiting.filter((each) => each !== place)
      return this.#waiting.length < before
    }
    return { room, giveUp }
  }

  /** Gives room back. */
  release(bytes: number): void {
    this.#bytes -= bytes
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#fits(next.bytes)) return
      this.#waiting.shift()
      this.#bytes += next.bytes
      next.resolve()
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#max
  }
}
