import { hearErrors, type TellsErrors } from './guarded.ts'
import { checkedTable, type SqlStoreOptions } from './sql-table.ts'
import type { KeptMessage, Once, TransactionStore } from './store.ts'

/** A MySQL connection within a transaction; one of `mysql2/promise` fits as it is. */
export interface MysqlConnection extends TellsErrors {
  /** Runs a statement. */
  query(sql: string, values?: unknown): Promise<[unknown, unknown]>
  /** Begins a transaction. */
  beginTransaction(): Promise<void>
  /** Commits it. */
  commit(): Promise<void>
  /** Rolls it back. */
  rollback(): Promise<void>
}

/** The part of a MySQL or MariaDB pool that is needed; one of `mysql2/promise` fits as it is. */
export interface MysqlPool<C extends MysqlConnection> {
  /** A connection for one transaction. */
  getConnection(): Promise<C & { release(): void; destroy(): void }>
}

/**
 * Stores keys in a table of MySQL or MariaDB (InnoDB), in the transaction of the work itself: write with the `tx`
 * that the work gets, and both are committed or neither. If the database closes a connection, the work fails, never
 * the process. Work on one key waits until other work on it has ended, up to innodb_lock_wait_timeout; keys have at
 * most 255 characters.
 */
export function mysqlStore<C extends MysqlConnection>(
  pool: MysqlPool<C>,
  options: SqlStoreOptions = {},
): TransactionStore<C> & { createTable(): Promise<void> } {
  const table = checkedTable(options)
  const within = async <T>(work: (connection: C) => Promise<T>): Promise<T> => {
    const connection = await pool.getConnection()
    const end = hearErrors(connection)
    let rolledBack: Promise<boolean> | undefined
    try {
      await connection.beginTransaction()
      try {
        const result = await work(connection)
        await connection.commit()
        return result
      } catch (error) {
        rolledBack = succeeds(connection.rollback())
        await rolledBack
        throw error
      }
    } finally {
      if ((await rolledBack) === false) connection.destroy()
      else {
        connection.release()
        end()
      }
    }
  }
  const insert = `INSERT IGNORE INTO ${table} (id, state) VALUES (?, 'done')`
  return {
    once: async (key, work) => {
      const begin = (): Promise<Once | 'lost'> =>
        within(async (connection) => {
          const begun = await insertOf(() => changed(connection, insert, [checkedKey(key)]))
          if (begun !== 'done') return begun
          await work(connection)
          return 'done'
        })
      for (let race = 0; race < RACES_MAX; race++) {
        const outcome = await begin()
        if (outcome !== 'lost') return outcome
      }
      return 'busy'
    },
    transaction: within,
    ...keeping(table, within),
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
        await connection.query(
          `CREATE TABLE IF NOT EXISTS ${table}_outbox (number bigint AUTO_INCREMENT PRIMARY KEY, id varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL UNIQUE, message longtext CHARACTER SET utf8mb4 NOT NULL, due timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)) ENGINE=InnoDB`,
        )
      }),
  }
}

/** When the work of a key fails, all waiting transactions but one lose the race for it; this limits the retries. */
const RACES_MAX = 10

/**
 * After a failed work, transactions that waited for its key may get a deadlock error: all of them share a lock then,
 * and each needs it exclusively. InnoDB gives it to one and rolls back the others (`lost`), which had done nothing
 * yet. A transaction that waited for innodb_lock_wait_timeout finds the key `busy`.
 */
async function insertOf(insert: () => Promise<number>): Promise<Once | 'lost'> {
  try {
    return (await insert()) === 0 ? 'repeated' : 'done'
  } catch (error) {
    const errno = (error as { readonly errno?: unknown } | undefined)?.errno
    if (errno === DEADLOCK) return 'lost'
    if (errno === WAITED_TOO_LONG) return 'busy'
    throw error
  }
}

const DEADLOCK = 1213
const WAITED_TOO_LONG = 1205

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

/** INSERT IGNORE would truncate a longer key, and take two keys for the same. */
function checkedKey(key: string): string {
  // The column counts code points.
  const length = Array.from(key).length
  if (length <= 255) return key
  throw new RangeError(`a key has 255 characters at most, this one ${length}`)
}

/** The part of a store that keeps an outbox's messages. */
function keeping<C extends MysqlConnection>(
  table: string,
  within: <T>(work: (connection: C) => Promise<T>) => Promise<T>,
): Pick<TransactionStore<C>, 'keep' | 'take' | 'sent'> {
  const due = 'CURRENT_TIMESTAMP(3) + INTERVAL ? MICROSECOND'
  return {
    keep: async (connection, id, message, dueMs) => {
      const kept = `INSERT INTO ${table}_outbox (id, message, due) VALUES (?, ?, ${due})`
      await connection.query(kept, [checkedKey(id), message, dueMs * 1000])
    },
    take: async (max, againMs) => {
      const first = `SELECT id, message FROM ${table}_outbox WHERE due <= CURRENT_TIMESTAMP(3) ORDER BY number LIMIT ?`
      // A locking read would wait for work whose messages are not committed yet, and that work for its locks.
      // Instead, the process that moves the due time of a message owns it, because no other finds it due.
      const own = `UPDATE ${table}_outbox SET due = ${due} WHERE id = ? AND due <= CURRENT_TIMESTAMP(3)`
      const [rows] = await within((connection) => connection.query(first, [max]))
      return within(async (connection) => {
        const taken: KeptMessage[] = []
        for (const { id, message } of rows as KeptMessage[]) {
          if ((await changed(connection, own, [againMs * 1000, id])) > 0)
            taken.push({ id, message })
        }
        return taken
      })
    },
    sent: (id) =>
      within(async (connection) => {
        await connection.query(`DELETE FROM ${table}_outbox WHERE id = ?`, [id])
      }),
  }
}
