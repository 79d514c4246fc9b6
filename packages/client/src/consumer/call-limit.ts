import type { Clock, Timer } from '@skylarkmq/env'

/** A call that runs, in a row of those that do: a timer and a promise for each cost as much as a small handler. */
export interface RunningCall {
  /** Whether it took too long, and nobody waits for it any more. */
  isLate: boolean
  /** Monotonic ms. */
  readonly endsMs: number
  readonly late: () => void
  before: RunningCall | undefined
  next: RunningCall | undefined
}

/** Watches calls that may all take equally long, with one timer. */
export class CallLimit {
  readonly #clock: Clock
  /** How long a call may take, ms; Infinity for ever. */
  readonly ms: number
  /** The first to end, and the last. */
  #first: RunningCall | undefined
  #last: RunningCall | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.ms = ms
  }

  /** When the call began that runs longest, on the monotonic clock; undefined when none runs. */
  get oldestMs(): number | undefined {
    return this.#first === undefined ? undefined : this.#first.endsMs - this.ms
  }

  /** A call begins; `late` is called when it has not ended in time. */
  begin(late: () => void): RunningCall {
    const endsMs = this.#clock.monotonic() + this.ms
    const call = { isLate: false, endsMs, late, before: this.#last, next: undefined }
    if (this.ms === Infinity) return call
    if (this.#last === undefined) this.#first = call
    else this.#last.next = call
    this.#last = call
    this.#timer ??= this.#clock.after(this.ms, this.#look)
    return call
  }

  /** A call has ended. */
  end(call: RunningCall): void {
    const { before, next } = call
    // One that was late is in the row no more.
    if (before === undefined && this.#first !== call) return
    if (before === undefined) this.#first = next
    else before.next = next
    if (next === undefined) this.#last = before
    else next.before = before
    call.before = undefined
    call.next = undefined
  }

  /** Watches nothing any more. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#first = undefined
    this.#last = undefined
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    for (let call = this.#first; call !== undefined; call = this.#first) {
      if (call.endsMs > now) {
        this.#timer = this.#clock.after(call.endsMs - now, this.#look)
        return
      }
      this.end(call)
      call.isLate = true
      call.late()
    }
  }
}
