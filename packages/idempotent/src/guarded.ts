/** What of a driver's connection or pool tells errors that belong to no query: that of `pg` and `mysql2` as it is. */
export interface TellsErrors {
  /** Hears of it. */
  on?(event: 'error', listener: (error: Error) => void): unknown
  /** Hears of it no more. */
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
}

const pools = new WeakSet<TellsErrors>()

/**
 * Hears the errors of a connection that is in use here: a database that is restarted ends it between two queries, and an
 * error that nobody hears ends the process. The next query, or the commit, says it too. Returns what ends that; not for a
 * connection that is broken, which may tell more.
 */
export function hearErrors(connection: TellsErrors): () => void {
  const listener = (): void => undefined
  connection.on?.('error', listener)
  return () => {
    connection.removeListener?.('error', listener)
  }
}

/**
 * Hears what a pool tells of connections that nobody uses: it has taken them out already, and makes others when they are wanted.
 * Also hears each connection from the time that the pool hands it out: what the database said together with its last
 * answer is told before who asked for the connection can hear it.
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
