import type { Clock, Turn } from '@skylarkmq/env'
import { NotifyConsumerIdsChanged } from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import type { ConsumerGroup } from './consumer-table.ts'

/** Least time between two notices to a group, ms; larger groups are told less often. */
const SPACE_MS = 10
/** Clients of a group that add a millisecond to that time: so many notices a millisecond at most. */
const CLIENTS_PER_MS = 10
const SPACE_MAX_MS = 1_000
/** Clients that are told in one turn, so that others get theirs. */
const TOLD_PER_TURN = 500

/** What is known of a group that was told lately, or is to be told. */
interface Told {
  /** Of several groups that had the name one after the other, the last. */
  group: ConsumerGroup
  nextMs: number
  isWaiting: boolean
}

/**
 * Tells the clients of groups to allocate queues again. All changes of a turn are one notice, and so are those that
 * follow within a few milliseconds: a group of thousands that all come at one time would hear of each of them otherwise,
 * which is millions of notices. Apache tells every client of each change.
 */
export class GroupNotices {
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #told = new Map<string, Told>()
  /** Groups to be told at the end of this turn. */
  #due: Told[] = []

  constructor(clock: Clock, turn: Turn) {
    this.#clock = clock
    this.#turn = turn
  }

  /** The clients or topics of a group have changed. */
  changed(group: ConsumerGroup): void {
    const told = this.#told.get(group.groupName) ?? { group, nextMs: -Infinity, isWaiting: false }
    this.#told.set(group.groupName, told)
    told.group = group
    if (told.isWaiting) return
    told.isWaiting = true
    const waitMs = told.nextMs - this.#clock.monotonic()
    if (waitMs <= 0) this.#tellThisTurn(told)
    else {
      this.#clock.after(waitMs, () => {
        this.#tellThisTurn(told)
      })
    }
  }

  /** The last client of a group has left: nobody is to be told. */
  gone(groupName: string): void {
    this.#told.delete(groupName)
  }

  #tellThisTurn(told: Told): void {
    this.#due.push(told)
    if (this.#due.length > 1) return
    this.#turn.writes(() => {
      const due = this.#due
      this.#due = []
      for (const each of due) this.#tell(each)
    })
  }

  #tell(told: Told): void {
    const { group } = told
    told.isWaiting = false
    const spaceMs = Math.max(SPACE_MS, group.clients.size / CLIENTS_PER_MS)
    told.nextMs = this.#clock.monotonic() + Math.min(SPACE_MAX_MS, spaceMs)
    this.#tellSome(group.groupName, [...group.clients.keys()], 0)
  }

  #tellSome(consumerGroup: string, connections: readonly Connection[], from: number): void {
    const { code, name } = NotifyConsumerIdsChanged
    const to = Math.min(connections.length, from + TOLD_PER_TURN)
    for (let i = from; i < to; i++)
      connections[i]?.oneway({ code, name, fields: { consumerGroup } })
    if (to === connections.length) return
    this.#clock.after(0, () => {
      this.#tellSome(consumerGroup, connections, to)
    })
  }
}
