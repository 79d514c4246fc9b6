import { ProtocolError } from '../errors.ts'

/** The report that a table is full. */
export interface LimitReached {
  /** What the table holds, in the plural. */
  readonly table: string
  /** The option that sets the limit. */
  readonly option: string
  readonly limit: number
}

/** After a report, the table must shrink below this part of its limit before it is reported again. */
const CALM_PART = 0.9

/**
 * The limit of a table that untrusted requests can fill. Beyond it, additions are refused with the name of the
 * option; that the table is full is reported once, and again after it has shrunk.
 */
export class TableLimit {
  readonly #table: string
  readonly #option: string
  readonly #max: number
  readonly #onReached: (reached: LimitReached) => void
  #isReached = false

  /** `limit` has the unit in which the table's size is measured. */
  constructor(
    { table, option, limit }: LimitReached,
    onReached: (reached: LimitReached) => void = () => undefined,
  ) {
    this.#table = table
    this.#option = option
    this.#max = limit
    this.#onReached = onReached
  }

  /** Why the table may not reach this size, as a sentence; undefined when it may. */
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

/** The limit of a table that only the program itself fills. */
export function unlimited(table: string): TableLimit {
  return new TableLimit({ table, option: '', limit: Infinity })
}
