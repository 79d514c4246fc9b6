import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { manualClock } from '@skylarkmq/env/sim'
import { Redis } from 'ioredis'
import mysql from 'mysql2/promise'
import pg from 'pg'
import {
  memoryStore,
  mysqlStore,
  postgresStore,
  redisStore,
  type MemoryTransaction,
  type OnceStore,
  type TransactionStore,
} from '../src/index.ts'
import { redisStoreAt } from '../src/redis-store.ts'
import { programOf, startMysql, startPostgres, startRedis } from './support/databases.ts'

/**
 * What every store promises. `waiting` says how many wait in the database for others; without it the store lets nobody
 * wait.
 */
function promises(storeOf: () => OnceStore<unknown>, waiting?: () => Promise<number>): void {
  test('the work of a key is done once', async () => {
    const store = storeOf()
    let count = 0
    const work = () => {
      count++
      return Promise.resolve()
    }
    assert.equal(await store.once('a', work), 'done')
    assert.equal(await store.once('a', work), 'repeated')
    assert.equal(await store.once('b', work), 'done')
    assert.equal(count, 2)
  })

  test('work that fails was not done, and can be tried again', async () => {
    const store = storeOf()
    const failing = () => Promise.reject(new Error('no'))
    await assert.rejects(store.once('failing', failing), /no/)
    assert.equal(await store.once('failing', () => Promise.resolve()), 'done')
  })

  test(`of two that begin together only one does the work: the other ${waiting === undefined ? 'finds it busy' : 'waits'}`, async () => {
    const store = storeOf()
    let atOnce = 0
    let count = 0
    let told = 0
    let goOn: () => void = () => undefined
    const othersAreTold = new Promise<void>((resolve) => (goOn = resolve))
    const work = async () => {
      assert.equal(++atOnce, 1)
      // Whoever waits for this work is told nothing before it ends.
      await (waiting === undefined ? othersAreTold : reach(waiting, 2))
      assert.equal(told, waiting === undefined ? 2 : 0)
      atOnce--
      count++
    }
    const outcomes = await Promise.all(
      [1, 2, 3].map(async () => {
        const outcome = await store.once('together', work)
        if (++told === 2) goOn()
        return outcome
      }),
    )
    assert.equal(count, 1)
    const other = waiting === undefined ? 'busy' : 'repeated'
    assert.deepEqual(outcomes.sort(), ['done', other, other].sort())
  })

  if (waiting === undefined) return
  test('when work fails, one of those that waited for its key does it', async () => {
    const store = storeOf()
    let fail: () => void = () => undefined
    let first = Promise.resolve<unknown>(undefined)
    await new Promise<void>((begun) => {
      first = store.once('left', () => {
        begun()
        return new Promise((_, reject) => (fail = reject))
      })
    })
    let count = 0
    const others = [1, 2, 3, 4].map(() =>
      store.once('left', async () => {
        await Promise.resolve()
        count++
      }),
    )
    await reach(waiting, others.length)
    fail()
    await assert.rejects(first)
    assert.deepEqual((await Promise.all(others)).sort(), [
      'done',
      ...['repeated', 'repeated', 'repeated'],
    ])
    assert.equal(count, 1)
  })
}

describe('In memory', () => {
  const store = memoryStore()
  promises(() => store)
  let account = 0
  transactional(() =>
    Promise.resolve({
      store,
      add: (tx: MemoryTransaction, amount: number) => {
        tx.onCommit(() => (account += amount))
        return Promise.resolve()
      },
      sum: () => Promise.resolve(account),
    }),
  )

  test('the oldest keys go when there are too many, and old ones on demand', async () => {
    let now = 0
    const small = memoryStore({ max: 2, now: () => now })
    const nothing = () => Promise.resolve()
    for (const key of ['a', 'b', 'c']) await small.once(key, nothing)
    assert.equal(await small.once('b', nothing), 'repeated')
    assert.equal(await small.once('a', nothing), 'done')
    now = 1000
    assert.equal(await small.forget(500), 2)
  })
})

const redisProgram = programOf('redis-server')
describe(
  'In Redis',
  { skip: redisProgram === undefined && 'redis-server is not installed' },
  () => {
    let redis: Redis | undefined
    const started = startRedis(redisProgram ?? '', async (path) => {
      const client = new Redis({ path, lazyConnect: true, retryStrategy: () => null })
      client.on('error', () => undefined)
      await client.connect()
      redis = client
    })
    after(async () => {
      redis?.disconnect()
      await (await started).stop()
    })
    const store = {
      once: async (key: string, work: (tx: unknown) => Promise<void>) => {
        await started
        assert.ok(redis !== undefined)
        return redisStore(redis).once(key, work)
      },
      forget: () => Promise.resolve(0),
    }
    promises(() => store)

    test('work of a dead process is left to others after a while', async () => {
      await started
      assert.ok(redis !== undefined)
      const long = redisStore(redis)
      await new Promise<void>((resolve) => {
        void long.once('dies', () => {
          resolve()
          return new Promise(() => undefined)
        })
      })
      assert.equal(await long.once('dies', () => Promise.resolve()), 'busy')
      // Nobody renews the lock of who is dead.
      const short = redisStoreAt(redis, { lockMs: 10 }, manualClock())
      void short.once('dies soon', () => new Promise(() => undefined))
      while ((await long.once('dies soon', () => Promise.resolve())) !== 'done') await turn()
    })
  },
)

function poolOf<T>(pool: T | undefined): T {
  assert.ok(pool !== undefined)
  return pool
}

async function reach(count: () => Promise<number>, enough: number): Promise<void> {
  while ((await count()) < enough) await turn()
}

/** What a store promises whose memory is in the work's transaction. `accounts` are of the same database. */
function transactional<Tx>(
  ready: () => Promise<{
    readonly store: TransactionStore<Tx>
    readonly add: (tx: Tx, amount: number) => Promise<unknown>
    readonly sum: () => Promise<number>
  }>,
): void {
  test('what the work writes is there exactly if it counts as done', async () => {
    const { store, add, sum } = await ready()
    const before = await sum()
    await store.once('written', async (tx) => {
      await add(tx, 5)
    })
    const failing = store.once('not written', async (tx) => {
      await add(tx, 7)
      throw new Error('after the write')
    })
    await assert.rejects(failing, /after the write/)
    assert.equal((await sum()) - before, 5)
    assert.equal(await store.once('written', () => Promise.resolve()), 'repeated')
    assert.equal(await store.once('not written', () => Promise.resolve()), 'done')
  })

  test('a message is kept exactly if its transaction is, and taken in order, by one at a time, until it was sent', async () => {
    const { store } = await ready()
    const keep = (id: string, dueMs = 0) =>
      store.transaction((tx) => store.keep(tx, id, `message ${id} 消息`, dueMs))
    await keep('one')
    await keep('two')
    await keep('later', 600_000)
    const undone = store.transaction(async (tx) => {
      await store.keep(tx, 'undone', 'x', 0)
      throw new Error('rolled back')
    })
    await assert.rejects(undone, /rolled back/)
    const both = await Promise.all([store.take(10, 600_000), store.take(10, 600_000)])
    assert.deepEqual(both.flat(), [
      { id: 'one', message: 'message one 消息' },
      { id: 'two', message: 'message two 消息' },
    ])
    assert.deepEqual(await store.take(10, 0), [])
    await store.sent('one')
    await store.sent('two')
    for (const id of ['three', 'four', 'five']) await keep(id)
    const ids = async (max: number, againMs: number): Promise<string[]> =>
      (await store.take(max, againMs)).map(({ id }) => id)
    // Who took them died: they are due again, at once.
    assert.deepEqual(await ids(2, 0), ['three', 'four'])
    assert.deepEqual(await ids(10, 600_000), ['three', 'four', 'five'])
  })

  test('taking pending messages neither waits for running work nor makes it fail', async () => {
    const { store } = await ready()
    let taken: readonly unknown[] = []
    await store.transaction(async (tx) => {
      await store.keep(tx, 'under way', 'x', 0)
      taken = await store.take(10, 600_000)
      const taking = store.take(10, 600_000)
      await store.keep(tx, 'under way, too', 'y', 0)
      await taking
    })
    assert.deepEqual(taken, [])
    assert.equal((await store.take(10, 600_000)).length, 2)
  })

  test('what is old is forgotten', async () => {
    const { store } = await ready()
    await store.once('old', () => Promise.resolve())
    // The store's clock decides what is old.
    let forgotten = 0
    while ((await store.once('old', () => Promise.resolve())) === 'repeated') {
      forgotten += await store.forget(0)
    }
    assert.ok(forgotten > 0)
  })
}

const postgresProgram = programOf('postgres')
describe(
  'In PostgreSQL',
  { skip: postgresProgram === undefined && 'PostgreSQL is not installed' },
  () => {
    let pool: pg.Pool | undefined
    const started = startPostgres(postgresProgram ?? '', async (host) => {
      const made = new pg.Pool({ host, user: 'postgres', database: 'postgres' })
      try {
        await made.query('CREATE TABLE account (amount int NOT NULL)')
        await postgresStore(made).createTable()
        await postgresStore(made).createTable()
        pool = made
      } catch (error) {
        await made.end()
        throw error
      }
    })
    after(async () => {
      await pool?.end()
      await (await started).stop()
    })
    const ready = async () => {
      await started
      assert.ok(pool !== undefined)
      const accounts = pool
      return {
        store: postgresStore<pg.PoolClient>(accounts),
        add: (tx: pg.PoolClient, amount: number) =>
          tx.query('INSERT INTO account VALUES ($1)', [amount]),
        sum: async () => {
          const { rows } = await accounts.query<{ sum: string | null }>(
            'SELECT sum(amount) AS sum FROM account',
          )
          return Number(rows[0]?.sum ?? 0)
        },
      }
    }
    promises(
      () => lazily(ready),
      async () => {
        const { rows } = await poolOf(pool).query<{ count: string }>(
          'SELECT count(*) AS count FROM pg_locks WHERE NOT granted',
        )
        return Number(rows[0]?.count)
      },
    )
    transactional(ready)

    test('a database that ends the connection fails the work, and the next is done', async () => {
      const { store } = await ready()
      assert.ok(pool !== undefined)
      const others = pool
      const lost = store.once('lost', async (tx) => {
        const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
        // The end arrives while no query of it runs.
        const ended = new Promise((resolve) => tx.once('error', resolve))
        await others.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
        await ended
      })
      await assert.rejects(lost)
      assert.equal(await store.once('lost', () => Promise.resolve()), 'done')
    })

    test('a name that could be more than a table is refused', () => {
      assert.throws(() => postgresStore(new pg.Pool(), { table: 'a; DROP TABLE b' }), RangeError)
    })
  },
)

const mysqlProgram = programOf('mariadbd') ?? programOf('mysqld')
describe(
  'In MySQL',
  { skip: mysqlProgram === undefined && 'neither MariaDB nor MySQL is installed' },
  () => {
    let pool: mysql.Pool | undefined
    let access: mysql.PoolOptions = {}
    const started = startMysql(mysqlProgram ?? '', async (socketPath) => {
      const first = await mysql.createConnection({ socketPath, user: 'root' })
      await first.query('CREATE DATABASE IF NOT EXISTS test')
      await first.end()
      access = { socketPath, user: 'root', database: 'test' }
      const made = mysql.createPool(access)
      await made.query('CREATE TABLE account (amount int NOT NULL) ENGINE=InnoDB')
      await mysqlStore(made).createTable()
      await mysqlStore(made).createTable()
      pool = made
    })
    after(async () => {
      await pool?.end()
      await (await started).stop()
    })
    const ready = async () => {
      await started
      assert.ok(pool !== undefined)
      const accounts = pool
      return {
        store: mysqlStore(accounts),
        add: (tx: mysql.PoolConnection, amount: number) =>
          tx.query('INSERT INTO account VALUES (?)', [amount]),
        sum: async () => {
          const [rows] = await accounts.query<mysql.RowDataPacket[]>(
            'SELECT sum(amount) AS sum FROM account',
          )
          return Number(rows[0]?.['sum'] ?? 0)
        },
      }
    }
    promises(
      () => lazily(ready),
      // Not innodb_trx: who asks for it more often than each 0.1 s gets the same answer again.
      async () => {
        const [rows] = await poolOf(pool).query<mysql.RowDataPacket[]>(
          "SELECT COUNT(*) AS count FROM information_schema.processlist WHERE command IN ('Query', 'Execute') AND id <> CONNECTION_ID()",
        )
        return Number(rows[0]?.['count'])
      },
    )
    transactional(ready)

    test('a key is busy after the longest wait that the database allows', async () => {
      const { store } = await ready()
      assert.ok(pool !== undefined)
      const one = mysql.createPool({ ...access, connectionLimit: 1 })
      await one.query('SET SESSION innodb_lock_wait_timeout = 1')
      let end: () => void = () => undefined
      let first = Promise.resolve<unknown>(undefined)
      await new Promise<void>((begun) => {
        first = store.once('long', () => {
          begun()
          return new Promise((resolve) => (end = resolve))
        })
      })
      const waiting = mysqlStore(one).once('long', () => Promise.resolve())
      assert.equal(await waiting, 'busy')
      end()
      assert.equal(await first, 'done')
      assert.equal(await mysqlStore(one).once('long', () => Promise.resolve()), 'repeated')
      await one.end()
    })

    test('a key that is too long is refused, not cut', async () => {
      const { store } = await ready()
      const work = () => Promise.resolve()
      await assert.rejects(store.once('k'.repeat(256), work), RangeError)
      assert.equal(await store.once('键'.repeat(255), work), 'done')
    })
  },
)

/** A store that may not be there yet. */
function lazily<Tx>(ready: () => Promise<{ readonly store: OnceStore<Tx> }>): OnceStore<Tx> {
  return {
    once: async (key, work) => (await ready()).store.once(key, work),
    forget: async (olderThanMs) => (await ready()).store.forget(olderThanMs),
  }
}
