import { Histogram, type Clock } from '@skylarkmq/env'
import { ResponseCode } from '@skylarkmq/protocol'
import type { ReceivedRequest } from './received-request.ts'

/** Buckets of the time that a request takes, ms. Apache: `RemotingMetricsManager.java`. */
const BOUNDS_MS: readonly number[] = [1, 3, 5, 7, 10, 100, 1000, 2000, 3000]
/** Codes of answers end below; each request has its own share of keys above. */
const CODES_MAX = 0x10000
/** So many are done in some tens of microseconds. */
const ALIKE_MAX = 15

/** How long the requests of one kind took that were answered in one way. */
export interface TimedRequests {
  /** Names as in the protocol, lower case: `send_message_v2`, `success`. */
  readonly request: string
  readonly response: string
  /** It waited for messages. */
  readonly isHeld: boolean
  readonly isOneway: boolean
  /** From when its bytes came to its answer, ms. */
  readonly times: Histogram
}

/** What the time of a request is told by. */
type Answered = Pick<ReceivedRequest, 'definition' | 'isOneway' | 'isHeld' | 'isLate' | 'arrivedMs'>

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ResponseCode).map(([name, code]) => [code, name.toLowerCase()]),
)

/** Times of the requests of a server, by request and answer. */
export class RequestTimes {
  readonly #clock: Clock
  readonly #rows = new Map<number, TimedRequests>()
  /** What came with the last request that was timed, and how many more are taken to last as long. */
  #arrivedMs = NaN
  #tookMs = 0
  #alike = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A request has its answer, which has the code `response`. */
  answered(request: Answered, response: number): void {
    const { isHeld, isOneway } = request
    const { code, name } = request.definition
    const kind = (isHeld ? 2 : 0) + (isOneway ? 1 : 0)
    const key = (code * CODES_MAX + response) * 4 + kind
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = {
        request: name.toLowerCase(),
        response: NAMES.get(response) ?? String(response),
        isHeld,
        isOneway,
        times: new Histogram(BOUNDS_MS),
      }
      this.#rows.set(key, row)
    }
    row.times.observe(this.#took(request))
  }

  /** Of requests that came together and are answered at once, one in a few is timed: to ask the clock costs more than all else here. */
  #took({ arrivedMs, isLate }: Answered): number {
    if (isLate) return this.#clock.monotonic() - arrivedMs
    if (arrivedMs !== this.#arrivedMs || this.#alike-- === 0) {
      this.#arrivedMs = arrivedMs
      this.#tookMs = this.#clock.monotonic() - arrivedMs
      this.#alike = ALIKE_MAX
    }
    return this.#tookMs
  }

  /** All that was answered since the start. */
  get all(): Iterable<TimedRequests> {
    return this.#rows.values()
  }
}
