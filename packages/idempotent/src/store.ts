/**
 * What became of a piece of work: it was `done` now; it was `repeated`, somebody did it before; or it is `busy`, somebody
 * does it now.
 */
export type Once = 'done' | 'repeated' | 'busy'

/** Remembers what was done. `Tx` is what the work writes with: of a database, the transaction that remembers it too. */
export interface OnceStore<Tx> {
  /** Does the work of a key unless it was done before. Rejects with what the work rejects with; then it counts as not done. */
  once(key: string, work: (tx: Tx) => Promise<void>): Promise<Once>
  /** Forgets what was done longer ago than so many ms; returns how much that was. */
  forget(olderThanMs: number): Promise<number>
}

/** A store whose memory is part of the work's own transaction: whatever dies when, both are there or neither. */
export interface TransactionStore<Tx> extends OnceStore<Tx> {
  /** Whether the work of a key was done. */
  wasDone(key: string): Promise<boolean>
  /** Sees to it that the work of a key can never be done; false when it was done before. */
  prevent(key: string): Promise<boolean>
}
