/** A recall of a message. */
export interface Recalled {
  /** Whether the message was found; then it is not delivered. */
  wasMet: boolean
  /** The number of groups that may contain it. */
  groups: number
}

/** Messages that left the wheel together, or that came too late for it. */
export interface DueGroup {
  /** Their slot; undefined for messages that were never in the wheel. */
  readonly slotMs: number | undefined
  /** For the latter: first offset in the timer queue. */
  readonly queueOffset: number
  /** End of the timer log when the group was created. */
  readonly timerLogEnd: number
  /** End of the commit log at that time: no message of the group was delivered before it. */
  readonly commitLogEnd: number
  /** How many are not delivered yet. */
  left: number
  /** Recalls for this group, by key. */
  readonly recalled: Map<string, Recalled>
}

/** A message to deliver. */
export interface DueMessage {
  readonly dueMs: number
  readonly physicalOffset: number
  readonly recordBytes: number
  /** When it was put into the wheel; undefined if it never was. */
  readonly enqueueMs: number | undefined
  readonly isRolled: boolean
  /** The slot that its unit in the timer log states; undefined when that is not the slot that the message asks for. */
  readonly unitSlotMs?: number | undefined
  readonly group: DueGroup
  /** Set on delivery: the end of its record in the log; 0 when there was nothing to write. */
  writtenEnd?: number
  /** Set on delivery: the change in the number of waiting messages of its topic. */
  counted?: { readonly topic: string; readonly change: number }
}

/** Progress up to which everything is done: a start after a crash must repeat the rest. */
export interface DueProgress {
  /** All earlier slots are delivered. */
  readonly readTimeMs: number
  /** All earlier messages of the timer queue are in the wheel, or delivered. */
  readonly queueOffset: number
  /** Units of the timer log from here on may belong to messages from `queueOffset` on. */
  readonly timerLogEnd: number
  /** Deliveries behind this offset of the commit log are not part of the progress. */
  readonly commitLogEnd: number
}

/** The messages that left the wheel and are not delivered yet, by due time. */
export class DueMessages {
  #messages: DueMessage[] = []
  #next = 0
  #isSorted = true
  readonly #groups = new Set<DueGroup>()

  /** How many wait. */
  get size(): number {
    return this.#messages.length - this.#next
  }

  /** When the first is due; Infinity when there is none. */
  get firstDueMs(): number {
    this.#sort()
    return this.#messages[this.#next]?.dueMs ?? Infinity
  }

  /** Adds the messages of a group; `left` counts them already. */
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

  /** Puts back messages that could not be delivered. */
  putBack(messages: readonly DueMessage[]): void {
    if (messages.length === 0) return
    this.#messages = [...messages, ...this.#messages.slice(this.#next)]
    this.#next = 0
  }

  /** Counts a message as done. Returns its group when it was the last one. */
  done(message: DueMessage): DueGroup | undefined {
    const { group } = message
    if (--group.left > 0) return undefined
    this.#groups.delete(group)
    return group
  }

  /** Takes all messages, due or not. */
  takeAll(): DueMessage[] {
    return this.take(Infinity, Infinity)
  }

  /** The groups with undelivered messages. */
  get groups(): ReadonlySet<DueGroup> {
    return this.#groups
  }

  /** The progress if everything but these messages is done up to `reached`. */
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
    // The sort is stable: messages due at the same time keep their order of arrival.
    this.#messages = this.#messages.slice(this.#next).sort((a, b) => a.dueMs - b.dueMs)
    this.#next = 0
    this.#isSorted = true
  }
}
