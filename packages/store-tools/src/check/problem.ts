/** The kinds of problems, each with what to do about it. `skylark store repair` first shows what it would do. */
export const problemKinds = {
  'log-file':
    'Restore the file from a backup or from a slave. While it is missing or has a wrong size, no broker opens the store.',
  'log-record':
    'Restore the log from a backup or from a slave, or cut it with `skylark store repair --truncate`, which keeps the part that it cuts.',
  'log-end':
    '`skylark store repair --truncate` moves these bytes to a file and zeroes them in the log.',
  'queue-file': '`skylark store repair` rebuilds the queues from the log.',
  'queue-unit': '`skylark store repair` rebuilds the queues from the log.',
  'queue-missing': '`skylark store repair` rebuilds the queues from the log.',
  'index-file':
    'If broker.conf sets maxHashSlotNum or maxIndexNum, check with `-c broker.conf`; otherwise `skylark store repair` rebuilds the index from the log.',
  'index-entry': '`skylark store repair` rebuilds the index from the log.',
  'index-missing':
    '`skylark store repair` rebuilds the index from the log; until then these messages cannot be found by key.',
  checkpoint: '`skylark store repair` rewrites it.',
  config:
    'A broker starts from the `.bak` file beside it, if that is readable. Repair the file, or move it away.',
  'timer-log':
    '`skylark store repair` moves the timer log and the wheel away; the next start rebuilds them from the timer queue.',
  'timer-wheel':
    '`skylark store repair` moves the timer wheel away; the next start rebuilds it from the timer log.',
  'timer-check':
    '`skylark store repair` moves the timer log and the wheel away; the next start rebuilds them from the timer queue.',
  'timer-unit':
    'This message cannot be delivered; the broker logs that when it is due, and continues. There is nothing to repair.',
  offset:
    '`skylark store repair` sets it to the end of its queue; messages that arrive before the repair are not delivered to the group.',
} as const

/** Kinds of problems. */
export type ProblemKind = keyof typeof problemKinds

/** An inconsistency in a store. */
export interface Problem {
  readonly kind: ProblemKind
  /** File, queue or record. */
  readonly where: string
  readonly what: string
  /** What to do about it. */
  readonly next: string
}

/** Reports a problem. */
export type Report = (kind: ProblemKind, where: string, what: string) => void

const LISTED_MAX = 50
const DAMAGED_MAX = 1000

/** Collects problems of all kinds, but lists only LISTED_MAX of each, because a store may have millions of one kind. */
export class Findings {
  readonly problems: Problem[] = []
  /** Remarks that are not problems. */
  readonly notes: string[] = []
  /** Units and index entries that name damaged bytes of the log: they are correct, but their message is lost. */
  namesDamaged = 0
  readonly #damaged: { from: number; to: number }[] = []
  readonly #counts = new Map<ProblemKind, number>()

  readonly report: Report = (kind, where, what) => {
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    if (count <= LISTED_MAX) this.problems.push({ kind, where, what, next: problemKinds[kind] })
  }

  readonly note = (sentence: string): void => {
    this.notes.push(sentence)
  }

  /** Notes bytes of the log that are not a record. */
  damaged(from: number, to: number): void {
    if (this.#damaged.length < DAMAGED_MAX) this.#damaged.push({ from, to })
  }

  /** Whether an offset lies in damaged bytes; counts what refers to it. */
  isDamaged(offset: number): boolean {
    const isIn = this.#damaged.some(({ from, to }) => from <= offset && offset < to)
    if (isIn) this.namesDamaged++
    return isIn
  }

  /** The number of problems, including those not listed. */
  get count(): number {
    let count = 0
    for (const each of this.#counts.values()) count += each
    return count
  }
}
