/** Something that holds bytes for a peer and can be dropped. */
export interface OutputHolder {
  readonly heldBytes: number
  /** Gives the memory back by closing the connection. */
  drop(): void
}

/**
 * A limit on the memory that all connections of a server hold for peers that do not read, or that
 * have sent half a frame. Who holds most goes first.
 */
export class OutputBudget {
  readonly limitBytes: number
  readonly #holders = new Map<OutputHolder, number>()
  #used = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  /** Bytes held now. */
  get usedBytes(): number {
    return this.#used
  }

  /** Notes what `holder` holds now, and drops the greatest holders while the sum is over the limit. */
  note(holder: OutputHolder): void {
    const before = this.#holders.get(holder) ?? 0
    const held = holder.heldBytes
    if (held === before) return
    this.#used += held - before
    if (held === 0) this.#holders.delete(holder)
    else this.#holders.set(holder, held)
    while (this.#used > this.limitBytes) this.#dropGreatest()
  }

  /** Forgets a holder that is gone. */
  forget(holder: OutputHolder): void {
    this.#used -= this.#holders.get(holder) ?? 0
    this.#holders.delete(holder)
  }

  #dropGreatest(): void {
    let greatest: OutputHolder | undefined
    let bytes = -1
    for (const [holder, held] of this.#holders) {
      if (held > bytes) [greatest, bytes] = [holder, held]
    }
    if (greatest === undefined) return
    this.forget(greatest)
    greatest.drop()
  }
}
