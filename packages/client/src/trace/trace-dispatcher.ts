import type { Clock, Timer } from '@skylarkmq/env'

/** Entries in one message of the trace topic, at most. Apache: `AsyncTraceDispatcher.java`. */
const ENTRIES_MAX = 10
/** Characters in one message of the trace topic, about. */
const LENGTH_MAX = 128_000
/** How long an entry waits for others. */
const WAIT_MS = 500
/** Entries that wait to be sent; further ones are dropped, so that a trace never holds up messages. */
const WAITING_MAX = 2_048

/** An entry, and what it is found by. */
export interface TraceEntry {
  readonly text: string
  readonly keys: readonly string[]
}

/** Gathers entries of the trace and sends them in few messages. */
export class TraceDispatcher {
  readonly #clock: Clock
  readonly #send: (body: string, keys: readonly string[]) => Promise<unknown>
  #waiting: TraceEntry[] = []
  #timer: Timer | undefined
  #isHurried = false
  #last: Promise<unknown> = Promise.resolve()

  /** `send` brings a message to the trace topic; it never rejects. */
  constructor(clock: Clock, send: (body: string, keys: readonly string[]) => Promise<unknown>) {
    this.#clock = clock
    this.#send = send
  }

  /** Takes an entry; drops it when too many wait. */
  add(entry: TraceEntry): void {
    if (this.#waiting.length >= WAITING_MAX) return
    this.#waiting.push(entry)
    if (this.#isHurried || this.#waiting.length >= ENTRIES_MAX) this.#flush()
    else this.#timer ??= this.#clock.after(WAIT_MS, () => this.#flush())
  }

  /** Sends what waits, and each entry that comes from now on at once. */
  hurry(): void {
    this.#isHurried = true
    this.#flush()
  }

  /** Sends what waits; resolves once that is done. */
  async close(): Promise<void> {
    this.#flush()
    await this.#last
  }

  #flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    while (this.#waiting.length > 0) {
      const entries: TraceEntry[] = []
      let length = 0
      while (entries.length < ENTRIES_MAX && length < LENGTH_MAX) {
        const next = this.#waiting.shift()
        if (next === undefined) break
        entries.push(next)
        length += next.text.length
      }
      const keys = [...new Set(entries.flatMap((each) => each.keys))]
      const sending = this.#send(entries.map((each) => each.text).join(''), keys)
      this.#last = Promise.all([this.#last, sending])
    }
  }
}
