/**
 * The part of a driver's connection or pool that reports errors outside of queries; `pg` and `mysql2` fit as they
 * are.
 */
export interface TellsErrors {
  /** Adds a listener. */
  on?(event: 'error', listener: (error: Error) => void): unknown
  /** Removes a listener. */
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
}

const pools = new WeakSet<TellsErrors>()

/**
 * Listens to errors of a connection while it is in use: a database that restarts closes it between two queries, and
 * an unhandled `error` event would end the process. The next query or the commit reports the error as well. Returns a
 * function that stops listening; not for a broken connection, which may emit more errors.
 */
export function hearErrors(connection: TellsErrors): () => void {
  const listener = (): void => undefined
  connection.on?.('error', listener)
  return () => {
    connection.removeListener?.('error', listener)
  }
}

/**
 * Listens to errors of a pool's idle connections: the pool has removed them already and opens new ones on demand.
 * Also listens to each connection from the moment the pool hands it out, because an error that arrives with the last
 * answer is emitted before the caller can add a listener.
 */
export function hearPool(pool: TellsErrors): void {
  if (pools.has(pool)) return
  pools.add(pool)
  pool.on?.('error', () => undefined)
  const heard = new WeakSet<TellsErrors>()
  const hands = pool as unknown as {
    on?(event: 'acquire', listener: (given: TellsErrors) => void): unknown
  }
  hands.on?.('acquire', (connection) => {
    if (heard.has(connection)) return
    heard.add(connection)
    connection.on?.('error', () => undefined)
  })
}
