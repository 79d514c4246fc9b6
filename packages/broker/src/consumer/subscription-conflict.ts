import { createHash } from 'node:crypto'
import type { Clock } from '@skylarkmq/env'
import type { SubscriptionData } from '@skylarkmq/protocol'

/** Two members of a group that do not want the same: messages go to whoever has the queue, so some are missed. */
export interface SubscriptionConflict {
  readonly group: string
  readonly topic: string
  /** A member, as `clientId: expression`. */
  readonly one: string
  readonly other: string
}

/** What a member of a group wants. */
export interface Member {
  readonly clientId: string
  readonly subscriptions: readonly SubscriptionData[]
}

/** A member, with what its wishes are told apart by. */
export type MarkedMember = Member & { readonly fingerprint: string }

/** So many conflicts of a group are told one after the other, then one in each `PAUSE_MS`. */
const TOLD_AT_ONCE = 8
const PAUSE_MS = 60_000
/** Of a longer wish the beginning is told. */
const TOLD_LENGTH = 200

/** Looks for members of one group that do not want the same, whose wishes it compares by their fingerprints. */
export class ConflictWatch {
  readonly #clock: Clock
  readonly #group: string
  readonly #found: (conflict: SubscriptionConflict) => void
  readonly #byFingerprint = new Map<string, Set<MarkedMember>>()
  #told = 0
  #nextMs = 0

  /** `found` is called when a member begins to want something else than another. */
  constructor(clock: Clock, group: string, found: (conflict: SubscriptionConflict) => void) {
    this.#clock = clock
    this.#group = group
    this.#found = found
  }

  /** Whether members want different things now. */
  get isInConflict(): boolean {
    return this.#byFingerprint.size > 1
  }

  /** A member is there, or wants something else than before. */
  joined(member: MarkedMember): void {
    const alike = this.#byFingerprint.get(member.fingerprint) ?? new Set<MarkedMember>()
    this.#byFingerprint.set(member.fingerprint, alike.add(member))
    for (const [fingerprint, others] of this.#byFingerprint) {
      if (fingerprint === member.fingerprint) continue
      for (const other of others) {
        this.#tell(member, other)
        return
      }
    }
  }

  /** A member is gone, or wants no longer what it wanted. */
  left(member: MarkedMember): void {
    const alike = this.#byFingerprint.get(member.fingerprint)
    alike?.delete(member)
    if (alike?.size === 0) this.#byFingerprint.delete(member.fingerprint)
  }

  #tell(member: Member, other: Member): void {
    const now = this.#clock.monotonic()
    if (this.#told >= TOLD_AT_ONCE && now < this.#nextMs) return
    this.#told++
    this.#nextMs = now + PAUSE_MS
    const conflict = subscriptionConflict(this.#group, member, other)
    if (conflict !== undefined) this.#found(conflict)
  }
}

/** Whether a heartbeat says the very same as the one before. */
export function sameWants(
  before: readonly SubscriptionData[],
  now: readonly SubscriptionData[],
): boolean {
  if (before.length !== now.length) return false
  return now.every((each, i) => {
    const known = before[i]
    return (
      known !== undefined &&
      each.topic === known.topic &&
      each.subString === known.subString &&
      each.expressionType === known.expressionType &&
      each.tagsSet.length === known.tagsSet.length &&
      each.tagsSet.every((tag, at) => tag === known.tagsSet[at])
    )
  })
}

/** Equal for members that want the same, however it is written. */
export function fingerprintOf(subscriptions: readonly SubscriptionData[]): string {
  const topics = [...byTopic(subscriptions)].map(
    ([topic, subscription]) => `${topic}\0${wanted(subscription)}`,
  )
  return createHash('sha256').update(topics.sort().join('\0\0')).digest('base64')
}

/** The first topic on which two members of a group differ; undefined when they want the same. */
function subscriptionConflict(
  group: string,
  one: Member,
  other: Member,
): SubscriptionConflict | undefined {
  const ofOne = byTopic(one.subscriptions)
  const ofOther = byTopic(other.subscriptions)
  for (const topic of new Set([...ofOne.keys(), ...ofOther.keys()])) {
    const first = wanted(ofOne.get(topic))
    const second = wanted(ofOther.get(topic))
    if (first === second) continue
    return {
      group,
      topic,
      one: shortened(`${one.clientId}: ${first}`),
      other: shortened(`${other.clientId}: ${second}`),
    }
  }
  return undefined
}

function shortened(text: string): string {
  return text.length <= TOLD_LENGTH ? text : `${text.slice(0, TOLD_LENGTH)}…`
}

function byTopic(subscriptions: readonly SubscriptionData[]): Map<string, SubscriptionData> {
  return new Map(subscriptions.map((each) => [each.topic, each]))
}

/** An expression in one spelling: `b||a` and `a || b` want the same. */
function wanted(subscription: SubscriptionData | undefined): string {
  if (subscription === undefined) return 'nothing'
  const { expressionType, subString, tagsSet } = subscription
  if (expressionType !== 'TAG') return `${expressionType} ${subString}`
  return tagsSet.length === 0 ? '*' : [...tagsSet].sort().join(' || ')
}
