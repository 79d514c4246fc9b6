import { Line } from '../line.ts'

interface Waiter {
  readonly bytes: number
  readonly resolve: () => void
  /** It has room, or has given its place up. */
  isGone: boolean
}

/** Bounds the bytes that wait for their answers: who comes when it is full waits, in order. */
export class InFlightBytes {
  readonly #max: number
  #bytes = 0
  /** In the order in which they came; some have given their place up. */
  readonly #line = new Line<Waiter>()
  #waiting = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Takes room at once; false when there is none. A body larger than all room has it alone. */
  take(bytes: number): boolean {
    if (this.#waiting > 0 || !this.#fits(bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** Waits for room. The second part gives the place in the queue up; it returns false when the room is taken already. */
  wait(bytes: number): { readonly room: Promise<void>; readonly giveUp: () => boolean } {
    let place: Waiter | undefined
    const room = new Promise<void>((resolve) => {
      place = { bytes, resolve, isGone: false }
      this.#line.push(place)
      this.#waiting++
    })
    const giveUp = (): boolean => {
      if (place === undefined || place.isGone) return false
      this.#leave(place)
      // Whoever comes behind may fit where this one did not.
      this.#serve()
      return true
    }
    return { room, giveUp }
  }

  /** Gives room back. */
  release(bytes: number): void {
    this.#bytes -= bytes
    this.#serve()
  }

  /** Gives room to those who come first, as far as it goes. */
  #serve(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (!this.#fits(next.bytes)) return
      this.#leave(next)
      this.#bytes += next.bytes
      next.resolve()
    }
  }

  #leave(place: Waiter): void {
    place.isGone = true
    this.#waiting--
  }

  #next(): Waiter | undefined {
    while (this.#line.first?.isGone === true) this.#line.shift()
    return this.#line.first
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#max
  }
}
