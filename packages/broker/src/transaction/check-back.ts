import { wholeNumber, type HalfMessage } from './half-message.ts'
import type { HalfTable } from './half-table.ts'

const MS_PER_SECOND = 1000

/** What decides whether a producer is asked. */
export interface CheckRules {
  /** Ms since 1970, the broker's clock. */
  readonly now: number
  /** `transactionTimeOut`, ms. */
  readonly timeoutMs: number
  /** `transactionCheckMax`. */
  readonly checkMax: number
  /** `fileReservedTime`, ms. */
  readonly reservedMs: number
}

/** What happens to a round of checks. */
export type CheckEvent =
  /** A round begins; the queue of half messages ends at `end`. */
  | { readonly kind: 'round'; readonly rules: CheckRules; readonly end: number }
  /** The half message that was to be read. `isCommitted`: its message is in the log though no record says so. */
  | { readonly kind: 'half'; readonly half: HalfMessage; readonly isCommitted: boolean }
  /** There is none to read at that offset; the next is at `next`. */
  | { readonly kind: 'gap'; readonly next: number }
  /** What was to be appended is in the log, a copy at `offset` of its queue. */
  | { readonly kind: 'appended'; readonly offset: number }
  /** It could not be read or appended. */
  | { readonly kind: 'failed' }

/** What a round of checks wants done. */
export type CheckAction =
  | { readonly kind: 'read'; readonly offset: number }
  /** Append the half message again and, if `asks`, ask a producer of its group about the copy. */
  | {
      readonly kind: 'copy'
      readonly half: HalfMessage
      readonly checkTimes: number
      readonly asks: boolean
    }
  /** Append it to the topic of those that were given up. */
  | { readonly kind: 'discard'; readonly half: HalfMessage }
  /** Write down that it was committed. */
  | { readonly kind: 'end'; readonly half: HalfMessage }
  /** The round is over; all half messages before `halfNext` are dealt with. */
  | { readonly kind: 'finish'; readonly halfNext: number }

/** The reading that is under way. */
interface Round {
  readonly rules: CheckRules
  readonly end: number
  next: number
  /** What is being appended. */
  pending: Extract<CheckAction, { kind: 'copy' | 'discard' }> | undefined
}

/**
 * Asks producers what became of their half messages, one round at a time: passes over those that ended, and
 * appends each that is old enough again, so that the queue's progress never waits for one of them. It neither reads
 * nor writes by itself: `step` takes what happened and says what to do.
 * Apache: `TransactionalMessageServiceImpl.java`, check.
 */
export class CheckBack {
  readonly #table: HalfTable
  #round: Round | undefined

  constructor(table: HalfTable) {
    this.#table = table
  }

  /** Offset up to which the round has come. */
  get position(): number {
    return this.#round?.next ?? this.#table.halfNext
  }

  /** Takes an event; returns what to do, in order. The answer to each read or append is the next event. */
  step(event: CheckEvent): CheckAction[] {
    if (event.kind === 'round') {
      this.#round = {
        rules: event.rules,
        end: event.end,
        next: this.#table.halfNext,
        pending: undefined,
      }
      return this.#goOn(this.#round)
    }
    const round = this.#round
    if (round === undefined) return []
    switch (event.kind) {
      case 'half':
        return this.#look(round, event.half, event.isCommitted)
      case 'gap':
        round.next = Math.max(round.next + 1, event.next)
        return this.#goOn(round)
      case 'appended':
        return this.#appended(round, event.offset)
      case 'failed':
        return this.#finish(round)
    }
  }

  #goOn(round: Round): CheckAction[] {
    while (round.next < round.end && this.#table.isEnded(round.next)) round.next++
    if (round.next >= round.end) return this.#finish(round)
    return [{ kind: 'read', offset: round.next }]
  }

  #finish(round: Round): CheckAction[] {
    this.#round = undefined
    return [{ kind: 'finish', halfNext: round.next }]
  }

  #look(round: Round, half: HalfMessage, isCommitted: boolean): CheckAction[] {
    if (isCommitted || this.#table.stateOf(half) !== 'open') {
      round.next++
      const rest = this.#goOn(round)
      return isCommitted ? [{ kind: 'end', half }, ...rest] : rest
    }
    const { checkMax, reservedMs, now } = round.rules
    const isOld = half.checkTimes > 0 && now - half.bornTimestamp > reservedMs
    if (half.checkTimes >= checkMax || isOld) return this.#append(round, { kind: 'discard', half })
    switch (ripeness(half, round.rules)) {
      case 'young':
        return this.#finish(round)
      case 'immune':
        return this.#append(round, {
          kind: 'copy',
          half,
          checkTimes: half.checkTimes,
          asks: false,
        })
      case 'ripe':
        return this.#append(round, {
          kind: 'copy',
          half,
          checkTimes: half.checkTimes + 1,
          asks: true,
        })
    }
  }

  #append(round: Round, action: NonNullable<Round['pending']>): CheckAction[] {
    round.pending = action
    return [action]
  }

  #appended(round: Round, offset: number): CheckAction[] {
    const done = round.pending
    round.pending = undefined
    if (done?.kind === 'copy') this.#table.copied(done.half.root, offset)
    if (done?.kind === 'discard') this.#table.dropped(done.half)
    round.next++
    return this.#goOn(round)
  }
}

/**
 * `young`: too new to ask, and so are those behind it. `immune`: its sender wanted it left alone for longer than
 * that. `ripe`: its producer is asked.
 */
function ripeness(half: HalfMessage, rules: CheckRules): 'young' | 'immune' | 'ripe' {
  const ageMs = ageOf(half, rules.now)
  if (ageMs < 0) return 'ripe'
  if (half.immunity === undefined) return ageMs < rules.timeoutMs ? 'young' : 'ripe'
  const seconds = wholeNumber(half.immunity)
  const immuneMs = seconds === undefined ? rules.timeoutMs : seconds * MS_PER_SECOND
  return ageMs < immuneMs ? 'immune' : 'ripe'
}

/**
 * Ms for which a producer has had time to decide. Apache takes the producer's clock alone, and so asks while the
 * transaction runs where that clock is not the broker's. Negative when the broker's clock went back.
 */
function ageOf(half: HalfMessage, now: number): number {
  const storedMs = now - half.storeTimestamp
  const bornMs = now - half.bornTimestamp
  if (storedMs < 0 || bornMs < 0) return storedMs
  return half.checkTimes === 0 && half.root === half.queueOffset
    ? Math.min(storedMs, bornMs)
    : bornMs
}

/**
 * Ms from its birth in which a half message with an immunity time may be ended without having been asked about;
 * undefined for one without. Apache: `TransactionalMessageUtil.java`, getImmunityTime.
 */
export function endsUnaskedWithinMs(half: HalfMessage, timeoutMs: number): number | undefined {
  if (half.immunity === undefined) return undefined
  return Math.max(timeoutMs, (wholeNumber(half.immunity) ?? 0) * MS_PER_SECOND)
}
