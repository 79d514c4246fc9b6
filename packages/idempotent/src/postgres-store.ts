import { errorOfThrown } from '@skylarkmq/env'
import { hearErrors, hearPool, type TellsErrors } from './guarded.ts'
import { checkedTable, type SqlStoreOptions } from './sql-table.ts'
import type { Once, TransactionStore } from './store.ts'

/** A connection of PostgreSQL within a transaction: that of `pg` as it is. */
export interface PostgresClient extends TellsErrors {
  /** Runs a statement. */
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rowCount: number | null }>
}

/** What is needed of a pool of PostgreSQL: that of `pg` as it is. */
export interface PostgresPool<C extends PostgresClient> extends TellsErrors {
  /** A connection for one transaction. */
  connect(): Promise<C & { release(error?: Error | boolean): void }>
}

/**
 * Remembers in a table of PostgreSQL, in the transaction of the work itself: write with the `tx` that the work is
 * given, and both are there or neither. Work on one key waits for the other's end. A database that ends connections fails
 * the work, never the process. TypeScript wants to be told the kind of
 * connection: `postgresStore<pg.PoolClient>(pool)`.
 */
export function postgresStore<C extends PostgresClient>(
  pool: PostgresPool<C>,
  options: SqlStoreOptions = {},
): TransactionStore<C> & { createTable(): Promise<void> } {
  const table = checkedTable(options)
  hearPool(pool)
  const within = async <T>(work: (client: C) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    const end = hearErrors(client)
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      try {
        const result = await work(client)
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK').catch((failure: unknown) => {
          broken = errorOfThrown(failure)
        })
        throw error
      }
    } finally {
      client.release(broken)
      if (broken === undefined) end()
    }
  }
  const insert = `INSERT INTO ${table} (id, state) VALUES ($1, $2) ON CONFLICT DO NOTHING`
  return {
    once: (key, work) =>
      within(async (client): Promise<Once> => {
        const { rowCount } = await client.query(insert, [key, 'done'])
        if (rowCount === 0) return 'repeated'
        await work(client)
        return 'done'
      }),
    wasDone: (key) =>
      within(async (client) => {
        const found = `SELECT 1 FROM ${table} WHERE id = $1 AND state = 'done'`
        return ((await client.query(found, [key])).rowCount ?? 0) > 0
      }),
    prevent: (key) =>
      within(async (client) => {
        await client.query(insert, [key, 'prevented'])
        const found = `SELECT 1 FROM ${table} WHERE id = $1 AND state = 'prevented'`
        return ((await client.query(found, [key])).rowCount ?? 0) > 0
      }),
    forget: (olderThanMs) =>
      within(async (client) => {
        const old = `DELETE FROM ${table} WHERE at < now() - $1 * interval '1 millisecond'`
        return (await client.query(old, [olderThanMs])).rowCount ?? 0
      }),
    createTable: () =>
      within(async (client) => {
        await client.query(
          `CREATE TABLE IF NOT EXISTS ${table} (id text PRIMARY KEY, state text NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
        )
      }),
  }
}
