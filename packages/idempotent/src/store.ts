/**
 * The result of a piece of work: `done` now, `repeated` (it was done before), or `busy` (another process is doing
 * it).
 */
export type Once = 'done' | 'repeated' | 'busy'

/**
 * Stores which work was done. `Tx` is what the work writes with: for a database, the transaction that stores the key
 * as well.
 */
export interface OnceStore<Tx> {
  /** Does the work of a key unless it was done before. Rejects as the work does; then it counts as not done. */
  once(key: string, work: (tx: Tx) => Promise<void>): Promise<Once>
  /** Deletes keys older than this many ms; returns how many. */
  forget(olderThanMs: number): Promise<number>
}

/** A pending message of an outbox. */
export interface KeptMessage {
  /** Its id. */
  readonly id: string
  /** As passed to `keep`. */
  readonly message: string
}

/**
 * A store that records keys in the work's own transaction, so that both are committed or neither, whatever fails. It
 * also keeps the messages of an outbox.
 */
export interface TransactionStore<Tx> extends OnceStore<Tx> {
  /** Does work in a transaction. Rejects as the work does; then it is rolled back. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Keeps a message if the transaction is committed. `take` returns it from `dueMs` on. */
  keep(tx: Tx, id: string, message: string, dueMs: number): Promise<void>
  /**
   * Takes messages that are due, at most `max`, the oldest first. Each becomes due again after `againMs`; until then
   * nobody else takes it.
   */
  take(max: number, againMs: number): Promise<readonly KeptMessage[]>
  /** Deletes a message that was sent. */
  sent(id: string): Promise<void>
}
