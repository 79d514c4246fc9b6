import { errorOfThrown } from '@skylarkmq/env'
import { hearErrors, hearPool, type TellsErrors } from './guarded.ts'
import { checkedTable, type SqlStoreOptions } from './sql-table.ts'
import type { KeptMessage, Once, TransactionStore } from './store.ts'

/** A PostgreSQL connection within a transaction; one of `pg` fits as it is. */
export interface PostgresClient extends TellsErrors {
  /** Runs a statement. */
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rowCount: number | null; readonly rows: readonly unknown[] }>
}

/** The part of a PostgreSQL pool that is needed; one of `pg` fits as it is. */
export interface PostgresPool<C extends PostgresClient> extends TellsErrors {
  /** A connection for one transaction. */
  connect(): Promise<C & { release(error?: Error | boolean): void }>
}

/** The connection type of a pool; `pg` also has an overload with a callback. */
export type PooledBy<P> = P extends {
  readonly connect: { (): Promise<infer C>; (callback: never): unknown }
}
  ? C
  : P extends PostgresPool<infer C>
    ? C
    : never

/** A store in PostgreSQL. */
export interface PostgresStore<C> extends TransactionStore<C> {
  /** Creates the tables that do not exist yet. */
  createTable(): Promise<void>
}

/**
 * Stores keys in a table of PostgreSQL, in the transaction of the work itself: write with the `tx` that the work
 * gets, and both are committed or neither. Work on one key waits until other work on it has ended. If the database
 * closes a connection, the work fails, never the process. `tx` is a connection of the pool: a `pg.PoolClient` of a
 * `pg.Pool`.
 */
export function postgresStore<P extends PostgresPool<PostgresClient>>(
  pool: P,
  options?: SqlStoreOptions,
): PostgresStore<PooledBy<P>>
/** As above, with the connection type named: `postgresStore<pg.PoolClient>(pool)`. */
export function postgresStore<C extends PostgresClient>(
  pool: PostgresPool<C>,
  options?: SqlStoreOptions,
): PostgresStore<C>
export function postgresStore<C extends PostgresClient>(
  pool: PostgresPool<C>,
  options: SqlStoreOptions = {},
): PostgresStore<C> {
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
  const insert = `INSERT INTO ${table} (id, state) VALUES ($1, 'done') ON CONFLICT DO NOTHING`
  return {
    once: (key, work) =>
      within(async (client): Promise<Once> => {
        const { rowCount } = await client.query(insert, [key])
        if (rowCount === 0) return 'repeated'
        await work(client)
        return 'done'
      }),
    transaction: within,
    ...keeping(table, within),
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
        await client.query(
          `CREATE TABLE IF NOT EXISTS ${table}_outbox (number bigserial PRIMARY KEY, id text NOT NULL UNIQUE, message text NOT NULL, due timestamptz NOT NULL)`,
        )
      }),
  }
}

/** The part of a store that keeps an outbox's messages. */
function keeping<C extends PostgresClient>(
  table: string,
  within: <T>(work: (connection: C) => Promise<T>) => Promise<T>,
): Pick<TransactionStore<C>, 'keep' | 'take' | 'sent'> {
  const due = (parameter: string): string => `now() + ${parameter} * interval '1 millisecond'`
  return {
    keep: async (client, id, message, dueMs) => {
      const kept = `INSERT INTO ${table}_outbox (id, message, due) VALUES ($1, $2, ${due('$3')})`
      await client.query(kept, [id, message, dueMs])
    },
    take: (max, againMs) =>
      within(async (client) => {
        const first = `SELECT id FROM ${table}_outbox WHERE due <= now() ORDER BY number LIMIT $1 FOR UPDATE SKIP LOCKED`
        const taken = `UPDATE ${table}_outbox SET due = ${due('$2')} WHERE id IN (${first}) RETURNING id, message, number`
        const { rows } = await client.query(taken, [max, againMs])
        return (rows as (KeptMessage & { readonly number: string })[])
          .sort((one, other) => Number(one.number) - Number(other.number))
          .map(({ id, message }) => ({ id, message }))
      }),
    sent: (id) =>
      within(async (client) => {
        await client.query(`DELETE FROM ${table}_outbox WHERE id = $1`, [id])
      }),
  }
}
