/** Somebody called a message back. */
export interface Recalled {
  /** Whether the message was met, and is not delivered. */
  wasMet: boolean
  /** In how many groups it may be. */
  groups: number
}

/** Messages that left the wheel together, or that came too late for it. */
export interface DueGroup {
  /** The slot they were in; undefined for those that were never in the wheel. */
  readonly slotMs: number | undefined
  /** First offset in the queue of those that wait, for the latter. */
  readonly queueOffset: number
  /** End of the timer log when the group was made. */
  readonly timerLogEnd: number
  /** End of the commit log then: nothing of the group was delivered before. */
  readonly commitLogEnd: number
  /** How many are not delivered yet. */
  left: number
  /** What was called back, by key. */
  readonly recalled: Map<string, Recalled>
}

/** A message that is about to be delivered. */
export interface DueMessage {
  readonly dueMs: number
  readonly physicalOffset: number
  readonly recordBytes: number
  /** When it was put into the wheel; undefined for one that never was. */
  readonly enqueueMs: number | undefined
  readonly isRolled: boolean
  /** The slot that its unit in the timer log says; undefined where that is not the one that the message asks for. */
  readonly unitSlotMs?: number | undefined
  readonly group: DueGroup
  /** Once it is put into the log: where it ends there; 0 when there was nothing to put. */
  writtenEnd?: number
  /** Once it is put into the log: what that changes in the number of those who wait for its topic. */
  counted?: { readonly topic: string; readonly change: number }
}

/** How far everything before is done with: what a start after a crash has to do again. */
export interface DueProgress {
  /** All slots before it are delivered. */
  readonly readTimeMs: number
  /** All messages before it in their queue are in the wheel, or delivered. */
  readonly queueOffset: number
  /** Units of the timer log from here on may be of messages from `queueOffset` on. */
  readonly timerLogEnd: number
  /** Deliveries that are not accounted for lie behind it in the commit log. */
  readonly commitLogEnd: number
}

/** The messages that left the wheel and wait for their moment, in the order in which they are due. */
export class DueMessages {
  #messages: DueMessage[] = []
  #next = 0
  #isSorted = true
  readonly #groups = new Set<DueGroup>()

  /** How many wait. */
  get size(): number {
    return this.#messages.length - this.#next
  }

  /** When the first is due; Infinity when none waits. */
  get firstDueMs(): number {
    this.#sort()
    return this.#messages[this.#next]?.dueMs ?? Infinity
  }

  /** Adds the messages of a group, which were counted into `left`. */
  add(group: DueGroup, messages: readonly DueMessage[]): void {
    if (group.left === 0) return
    this.#groups.add(group)
    for (const message of messages) {
      const last = this.#messages.at(-1)
      if (last !== undefined && last.dueMs > message.dueMs) this.#isSorted = false
      this.#messages.push(message)
    }
  }

  /** Takes the first messages that are due, at most `countMax`. */
  take(nowMs: number, countMax: number): DueMessage[] {
    this.#sort()
    const start = this.#next
    while (this.#next - start < countMax && this.size > 0) {
      if ((this.#messages[this.#next] as DueMessage).dueMs > nowMs) break
      this.#next++
    }
    const taken = this.#messages.slice(start, this.#next)
    if (this.size === 0) {
      this.#messages = []
      this.#next = 0
    }
    return taken
  }

  /** Puts back what could not be delivered. */
  putBack(messages: readonly DueMessage[]): void {
    if (messages.length === 0) return
    this.#messages = [...messages, ...this.#messages.slice(this.#next)]
    this.#next = 0
  }

  /** Counts a message as done with. Returns its group when that was the last of it. */
  done(message: DueMessage): DueGroup | undefined {
    const { group } = message
    if (--group.left > 0) return undefined
    this.#groups.delete(group)
    return group
  }

  /** Takes all that wait, due or not. */
  takeAll(): DueMessage[] {
    return this.take(Infinity, Infinity)
  }

  /** The groups of which not all is delivered. */
  get groups(): ReadonlySet<DueGroup> {
    return this.#groups
  }

  /** What is done with when all but these messages are, up to `reached`. */
  progress(reached: DueProgress): DueProgress {
    let { readTimeMs, queueOffset, timerLogEnd, commitLogEnd } = reached
    for (const group of this.#groups) {
      commitLogEnd = Math.min(commitLogEnd, group.commitLogEnd)
      if (group.slotMs !== undefined) readTimeMs = Math.min(readTimeMs, group.slotMs)
      else {
        queueOffset = Math.min(queueOffset, group.queueOffset)
        timerLogEnd = Math.min(timerLogEnd, group.timerLogEnd)
      }
    }
    return { readTimeMs, queueOffset, timerLogEnd, commitLogEnd }
  }

  #sort(): void {
    if (this.#isSorted) return
    // Stable: messages that are due together keep the order in which they came.
    this.#messages = this.#messages.slice(this.#next).sort((a, b) => a.dueMs - b.dueMs)
    this.#next = 0
    this.#isSorted = true
  }
}
