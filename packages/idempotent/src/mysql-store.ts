import { hearErrors, type TellsErrors } from './guarded.ts'
import { checkedTable, type SqlStoreOptions } from './sql-table.ts'
import type { Once, TransactionStore } from './store.ts'

/** A connection of MySQL within a transaction: that of `mysql2/promise` as it is. */
export interface MysqlConnection extends TellsErrors {
  /** Runs a statement. */
  query(sql: string, values?: unknown): Promise<[unknown, unknown]>
  /** Begins a transaction. */
  beginTransaction(): Promise<void>
  /** Ends it, and keeps what it did. */
  commit(): Promise<void>
  /** Ends it, and undoes what it did. */
  rollback(): Promise<void>
}

/** What is needed of a pool of MySQL or MariaDB: that of `mysql2/promise` as it is. */
export interface MysqlPool<C extends MysqlConnection> {
  /** A connection for one transaction. */
  getConnection(): Promise<C & { release(): void; destroy(): void }>
}

/**
 * Remembers in a table of MySQL or MariaDB (InnoDB), in the transaction of the work itself: write with the `tx` that the
 * work is given, and both are there or neither. A database that ends connections fails the work, never the process. Work on
 * one key waits for the other's end; keys have 255 characters at
 * most.
 */
export function mysqlStore<C extends MysqlConnection>(
  pool: MysqlPool<C>,
  options: SqlStoreOptions = {},
): TransactionStore<C> & { createTable(): Promise<void> } {
  const table = checkedTable(options)
  const within = async <T>(work: (connection: C) => Promise<T>): Promise<T> => {
    const connection = await pool.getConnection()
    const end = hearErrors(connection)
    let isBroken = false
    try {
      await connection.beginTransaction()
      try {
        const result = await work(connection)
        await connection.commit()
        return result
      } catch (error) {
        isBroken = !(await succeeds(connection.rollback()))
        throw error
      }
    } finally {
      if (isBroken) connection.destroy()
      else {
        connection.release()
        end()
      }
    }
  }
  const insert = `INSERT IGNORE INTO ${table} (id, state) VALUES (?, ?)`
  const isState = async (connection: C, key: string, state: string): Promise<boolean> => {
    const found = `SELECT 1 FROM ${table} WHERE id = ? AND state = ?`
    const [rows] = await connection.query(found, [key, state])
    return Array.isArray(rows) && rows.length > 0
  }
  return {
    once: (key, work) =>
      within(async (connection): Promise<Once> => {
        if ((await changed(connection, insert, [checkedKey(key), 'done'])) === 0) return 'repeated'
        await work(connection)
        return 'done'
      }),
    wasDone: (key) => within((connection) => isState(connection, key, 'done')),
    prevent: (key) =>
      within(async (connection) => {
        await changed(connection, insert, [checkedKey(key), 'prevented'])
        return isState(connection, key, 'prevented')
      }),
    forget: (olderThanMs) =>
      within((connection) =>
        changed(
          connection,
          `DELETE FROM ${table} WHERE at < CURRENT_TIMESTAMP(3) - INTERVAL ? MICROSECOND`,
          [olderThanMs * 1000],
        ),
      ),
    createTable: () =>
      within(async (connection) => {
        await connection.query(
          `CREATE TABLE IF NOT EXISTS ${table} (id varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, state varchar(16) NOT NULL, at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)) ENGINE=InnoDB`,
        )
      }),
  }
}

function succeeds(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  )
}

async function changed(connection: MysqlConnection, sql: string, values: unknown): Promise<number> {
  const [result] = await connection.query(sql, values)
  return (result as { readonly affectedRows?: number }).affectedRows ?? 0
}

/** INSERT IGNORE would cut a longer one, and take two for the same. */
function checkedKey(key: string): string {
  // The column counts code points.
  const length = Array.from(key).length
  if (length <= 255) return key
  throw new RangeError(`a key has 255 characters at most, this one ${length}`)
}
