import { ProtocolError } from '../errors.ts'

/** What is said when a table is full. */
export interface LimitReached {
  /** What the table holds, in the plural. */
  readonly table: string
  /** The option that decides. */
  readonly option: string
  readonly limit: number
}

/** A table that was full may be full again once it is below this part of its limit. */
const CALM_PART = 0.9

/**
 * The bound of a table that strangers can make grow. Who would put more into it is refused, with the name of the
 * option that decides; that the table is full is told once, and again after it was emptier.
 */
export class TableLimit {
  readonly #table: string
  readonly #option: string
  readonly #max: number
  readonly #onReached: (reached: LimitReached) => void
  #isReached = false

  /** `limit` is in whatever the table's size is measured in. */
  constructor(
    { table, option, limit }: LimitReached,
    onReached: (reached: LimitReached) => void = () => undefined,
  ) {
    this.#table = table
    this.#option = option
    this.#max = limit
    this.#onReached = onReached
  }

  /** Why the table may not have this size, in a sentence; undefined when it may. */
  problem(size: number): string | undefined {
    if (size <= this.#max) {
      if (this.#isReached && size < this.#max * CALM_PART) this.#isReached = false
      return undefined
    }
    const [table, option, limit] = [this.#table, this.#option, this.#max]
    if (!this.#isReached) {
      this.#isReached = true
      this.#onReached({ table, option, limit })
    }
    return `the table of ${table} is full: ${option}=${limit} allows no more`
  }

  /** Throws a ProtocolError with that sentence, which the dispatcher answers with SYSTEM_ERROR. */
  check(size: number): void {
    const problem = this.problem(size)
    if (problem !== undefined) throw new ProtocolError({ what: problem })
  }
}

/** The bound of a table that nobody but the program itself makes grow. */
export function unlimited(table: string): TableLimit {
  return new TableLimit({ table, option: '', limit: Infinity })
}
