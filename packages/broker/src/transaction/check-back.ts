import { wholeNumber, type HalfMessage } from './half-message.ts'
import type { HalfTable } from './half-table.ts'

const MS_PER_SECOND = 1000

/** Settings and facts that decide whether a producer is asked. */
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

/** Input of a round of checks. */
export type CheckEvent =
  /** A round begins; the half queue ends at `end`. */
  | { readonly kind: 'round'; readonly rules: CheckRules; readonly end: number }
  /** The half message that was to be read. `isCommitted`: its message is in the log although no record says so. */
  | { readonly kind: 'half'; readonly half: HalfMessage; readonly isCommitted: boolean }
  /** No half message at that offset; the next one is at `next`. */
  | { readonly kind: 'gap'; readonly next: number }
  /** The append succeeded; a copy is at `offset` of its queue. */
  | { readonly kind: 'appended'; readonly offset: number }
  /** The read or append failed. */
  | { readonly kind: 'failed' }

/** Output of a round of checks. */
export type CheckAction =
  | { readonly kind: 'read'; readonly offset: number }
  /** Append the half message again and, if `asks`, ask a producer of its group about the copy. */
  | {
      readonly kind: 'copy'
      readonly half: HalfMessage
      readonly checkTimes: number
      readonly asks: boolean
    }
  /** Append it to the topic of discarded half messages. */
  | { readonly kind: 'discard'; readonly half: HalfMessage }
  /** Record that it was committed. */
  | { readonly kind: 'end'; readonly half: HalfMessage }
  /** The round is over; all half messages before `halfNext` are handled. */
  | { readonly kind: 'finish'; readonly halfNext: number }

/** The pending read. */
interface Round {
  readonly rules: CheckRules
  readonly end: number
  next: number
  /** The pending append. */
  pending: Extract<CheckAction, { kind: 'copy' | 'discard' }> | undefined
}

/**
 * Asks producers about their half messages, one round at a time. It skips those that have ended, and appends each one
 * that is old enough again, so that the queue's progress never waits for a single message. It does no I/O itself:
 * `step` takes an event and returns the next actions. Apache: `TransactionalMessageServiceImpl.java`, check.
 */
export class CheckBack {
  readonly #table: HalfTable
  #round: Round | undefined

  constructor(table: HalfTable) {
    this.#table = table
  }

  /** Offset that the round has reached. */
  get position(): number {
    return this.#round?.next ?? this.#table.halfNext
  }

  /** Takes an event; returns the actions, in order. The result of each read or append is the next event. */
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
 * `young`: too new to be asked, and so are all behind it. `immune`: within the immunity time that its sender
 * requested. `ripe`: its producer is asked.
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
 * Time in ms that a producer has had to decide. Apache uses only the producer's clock, and therefore asks too early
 * when that clock differs from the broker's. Negative when the broker's clock was set back.
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
 * Ms after its birth during which a half message with an immunity time can be ended without a check; undefined for
 * one without. Apache: `TransactionalMessageUtil.java`, getImmunityTime.
 */
export function endsUnaskedWithinMs(half: HalfMessage, timeoutMs: number): number | undefined {
  if (half.immunity === undefined) return undefined
  return Math.max(timeoutMs, (wholeNumber(half.immunity) ?? 0) * MS_PER_SECOND)
}
