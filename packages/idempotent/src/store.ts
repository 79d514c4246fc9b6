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

/** A message of an outbox that was kept. */
export interface KeptMessage {
  /** Its id. */
  readonly id: string
  /** As it was given to `keep`. */
  readonly message: string
}

/**
 * A store whose memory is part of the work's own transaction: whatever dies when, both are there or neither. It also keeps
 * the messages of an outbox.
 */
export interface TransactionStore<Tx> extends OnceStore<Tx> {
  /** Does work in a transaction. Rejects with what it rejects with; then nothing of it is there. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Keeps a message, if the transaction is kept. `take` gives it from `dueMs` on. */
  keep(tx: Tx, id: string, message: string, dueMs: number): Promise<void>
  /** Takes messages that are due, at most `max`, the oldest first. Each is due again after `againMs`: nobody takes it meanwhile. */
  take(max: number, againMs: number): Promise<readonly KeptMessage[]>
  /** A message was sent, and is kept no more. */
  sent(id: string): Promise<void>
}
