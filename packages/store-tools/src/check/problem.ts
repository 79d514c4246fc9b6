/**
 * What a check can find wrong, and what a person does about it. `repair` below is `skylark store repair`, which
 * first shows what it would do.
 */
export const problemKinds = {
  'log-file':
    'Bring the file back from a backup or from a slave. While it is missing or of another size, no broker opens the store.',
  'log-record':
    'Bring the log back from a backup or from a slave, or cut it with `skylark store repair --truncate`, which keeps what it cuts.',
  'log-end': '`skylark store repair --truncate` keeps these bytes in a file and puts zeros there.',
  'queue-file': '`skylark store repair` makes the queues anew from the log.',
  'queue-unit': '`skylark store repair` makes the queues anew from the log.',
  'queue-missing': '`skylark store repair` makes the queues anew from the log.',
  'index-file':
    'If broker.conf sets maxHashSlotNum or maxIndexNum, check with `-c broker.conf`; otherwise `skylark store repair` makes the index anew from the log.',
  'index-entry': '`skylark store repair` makes the index anew from the log.',
  'index-missing':
    '`skylark store repair` makes the index anew from the log; until then these messages are not found by key.',
  checkpoint: '`skylark store repair` writes it anew.',
  config:
    'A broker starts from the `.bak` file beside it, if that can be read. Put the file right, or move it away.',
  'timer-log':
    '`skylark store repair` puts the timer log and the wheel aside; the next start makes them anew from the queue of the messages that wait.',
  'timer-wheel':
    '`skylark store repair` puts the timer wheel aside; the next start makes it anew from the timer log.',
  'timer-check':
    '`skylark store repair` puts the timer log and the wheel aside; the next start makes them anew from the queue of the messages that wait.',
  'timer-unit':
    'That message cannot be delivered; the broker says so when its time comes, and goes on. Nothing else is to be done.',
  offset:
    '`skylark store repair` sets it to the end of its queue; messages that come before that are not delivered to the group.',
} as const

/** Kinds of problems. */
export type ProblemKind = keyof typeof problemKinds

/** One thing in a store that does not agree with the rest. */
export interface Problem {
  readonly kind: ProblemKind
  /** File, queue or record. */
  readonly where: string
  readonly what: string
  /** What to do about it. */
  readonly next: string
}

/** Says that something is wrong. */
export type Report = (kind: ProblemKind, where: string, what: string) => void

const LISTED_MAX = 50
const DAMAGED_MAX = 1000

/** Collects what is found: all kinds, but of each only so many, as a store may have millions of one. */
export class Findings {
  readonly problems: Problem[] = []
  /** What is worth knowing and nothing wrong. */
  readonly notes: string[] = []
  /** Units and index entries that name damaged bytes of the log: they are right, and their message is lost. */
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

  /** Remembers bytes of the log that are no record. */
  damaged(from: number, to: number): void {
    if (this.#damaged.length < DAMAGED_MAX) this.#damaged.push({ from, to })
  }

  /** Whether an offset lies in damaged bytes; then what names it is counted. */
  isDamaged(offset: number): boolean {
    const isIn = this.#damaged.some(({ from, to }) => from <= offset && offset < to)
    if (isIn) this.namesDamaged++
    return isIn
  }

  /** How many problems there are, those that are not listed included. */
  get count(): number {
    let count = 0
    for (const each of this.#counts.values()) count += each
    return count
  }
}
