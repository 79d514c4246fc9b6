/**
 * The databases of `npm run effects`, each behind one face: how a server of its own is started, and what shop and billing do
 * with it. `tx` is what the store gives its work.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mysqlStore, postgresStore, redisStore } from '@skylarkmq/idempotent'
import { Redis } from 'ioredis'
import mysql from 'mysql2/promise'
import pg from 'pg'

/** How long a key of Redis stays locked when its process was killed, ms. */
export const LOCK_MS = 4000
const POOL_MAX = 12

/** Keeps orders and effects in two tables; the effects may be there twice, so that it is seen when they are. */
const SCHEMA = [
  'CREATE TABLE IF NOT EXISTS orders (id varchar(64) PRIMARY KEY)',
  'CREATE TABLE IF NOT EXISTS effects (id varchar(64) NOT NULL)',
]

/** The part that is the same in both SQL databases; `query` returns rows. */
function sqlShop({ store, mark, query, end }) {
  return {
    store,
    end,
    isTransactional: true,
    writeOrder: (tx, id) => tx.query(`INSERT INTO orders VALUES (${mark})`, [id]),
    writeEffect: (tx, id) => tx.query(`INSERT INTO effects VALUES (${mark})`, [id]),
    async prepare() {
      for (const statement of SCHEMA) await query(statement)
      await store.createTable()
    },
    async look() {
      const ids = async (table) => (await query(`SELECT id FROM ${table}`)).map(({ id }) => id)
      const [{ n }] = await query('SELECT count(*) AS n FROM skylark_once_outbox')
      return { orders: await ids('orders'), effects: await ids('effects'), waiting: Number(n) }
    },
  }
}

function postgres(directory) {
  const access = { host: directory, user: 'postgres', database: 'postgres' }
  const pool = new pg.Pool({ ...access, max: POOL_MAX, connectionTimeoutMillis: 5000 })
  const store = postgresStore(pool)
  const query = async (text) => (await pool.query(text)).rows
  return sqlShop({ store, mark: '$1', query, end: () => pool.end() })
}

function mariadb(directory) {
  const access = { socketPath: join(directory, 'socket'), user: 'root', database: 'test' }
  const pool = mysql.createPool({ ...access, connectionLimit: POOL_MAX })
  const query = async (text) => (await pool.query(text))[0]
  return sqlShop({ store: mysqlStore(pool), mark: '?', query, end: () => pool.end() })
}

/**
 * Redis cannot keep an effect together with its note: effects go to a file, one line each, as what a mail server does would be
 * out of the database's hands. So do the orders that a broker has taken.
 */
function redis(directory) {
  const client = new Redis({ path: join(directory, 'socket'), retryStrategy: () => 100 })
  client.on('error', () => undefined)
  const write = (table, id) => appendFileSync(join(directory, table), `${id}\n`)
  const read = (table) => linesOf(join(directory, table))
  return {
    store: redisStore(client, { lockMs: LOCK_MS }),
    end: () => client.disconnect(),
    isTransactional: false,
    writeOrder: (_, id) => write('orders', id),
    writeEffect: (_, id) => write('effects', id),
    prepare: () => client.ping(),
    look: () => ({ orders: read('orders'), effects: read('effects'), waiting: 0 }),
  }
}

/** The whole lines of a file that others append to. */
export function linesOf(file) {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').split('\n').slice(0, -1)
}

const SHOPS = { postgres, mariadb, redis }

/** Connects to a database by the folder of its server. */
export const shopAt = (kind, directory) => SHOPS[kind](directory)

/** Starts a server of a kind; undefined when its program is not installed. Needs `npm run build`. */
export async function startDatabase(kind) {
  const { programOf, startMysql, startPostgres, startRedis } =
    await import('../../../packages/idempotent/dist/test/support/databases.js')
  const answers = {
    postgres: async (host) => {
      const client = new pg.Client({ host, user: 'postgres', database: 'postgres' })
      client.on('error', () => undefined)
      await client.connect()
      await client.end()
    },
    mariadb: async (socketPath) => {
      const connection = await mysql.createConnection({ socketPath, user: 'root' })
      await connection.query('CREATE DATABASE IF NOT EXISTS test')
      await connection.end()
    },
    redis: async (path) => {
      const client = new Redis({ path, lazyConnect: true, retryStrategy: () => null })
      client.on('error', () => undefined)
      await client.connect()
      // While it reads what it kept it answers, but refuses.
      await client.ping().finally(() => client.disconnect())
    },
  }
  const [start, ...programs] = {
    postgres: [startPostgres, 'postgres'],
    mariadb: [startMysql, 'mariadbd', 'mysqld'],
    redis: [startRedis, 'redis-server'],
  }[kind]
  const program = programs.map(programOf).find((path) => path !== undefined)
  return program === undefined ? undefined : start(program, answers[kind])
}
