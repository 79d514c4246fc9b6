import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { mysqlStore, postgresStore, type OnceStore } from '../src/index.ts'

/** A connection that behaves as the drivers' do when the database ends it: it tells nobody in particular, then fails all. */
class Connection extends EventEmitter {
  readonly released: string[] = []
  #isLost = false

  lose(): void {
    this.#isLost = true
    for (let i = 0; i < 2; i++) this.emit('error', new Error('terminating connection'))
  }

  query(): Promise<{ rowCount: number; rows: unknown[] } & [unknown, unknown]> {
    if (this.#isLost) return Promise.reject(new Error('the connection is closed'))
    const result: [unknown, unknown] = [{ affectedRows: 1 }, undefined]
    return Promise.resolve(Object.assign(result, { rowCount: 1, rows: [] }))
  }

  readonly beginTransaction = () => this.query().then(() => undefined)
  readonly commit = this.beginTransaction
  readonly rollback = this.beginTransaction

  release(error?: Error | boolean): void {
    this.released.push(error === undefined ? 'whole' : 'broken')
  }

  destroy(): void {
    this.released.push('broken')
  }
}

/** A pool of one connection, whose idle ones tell the pool. */
class Pool extends EventEmitter {
  readonly connection = new Connection()

  connect(): Promise<Connection> {
    return Promise.resolve(this.connection)
  }

  getConnection(): Promise<Connection> {
    return this.connect()
  }
}

const STORES: Readonly<Record<string, (pool: Pool) => OnceStore<Connection>>> = {
  postgresStore: (pool) => postgresStore<Connection>(pool),
  mysqlStore: (pool) => mysqlStore<Connection>(pool),
}

for (const [name, storeOf] of Object.entries(STORES)) {
  test(`${name}: a database that ends the connection in the midst of the work fails the work alone`, async () => {
    const pool = new Pool()
    const { connection } = pool
    const store = storeOf(pool)
    const lost = store.once('a', (tx) => {
      tx.lose()
      return Promise.resolve()
    })
    await assert.rejects(lost, /the connection is closed/)
    assert.deepEqual(connection.released, ['broken'])
    // What a broken connection tells later is heard as well.
    connection.lose()
  })

  test(`${name}: a returned connection is in its original state`, async () => {
    const pool = new Pool()
    assert.equal(await storeOf(pool).once('a', () => Promise.resolve()), 'done')
    assert.deepEqual(pool.connection.released, ['whole'])
    assert.equal(pool.connection.listenerCount('error'), 0)
  })

  test(`${name}: what was thrown by the work is what comes out, whatever it is`, async () => {
    const odd: unknown = Object.create(null)
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is what this is about
    const failing = storeOf(new Pool()).once('a', () => Promise.reject(odd))
    assert.equal(await failing.catch((thrown: unknown) => thrown), odd)
  })
}

test('postgresStore: a connection that ends while it is handed out fails the work alone', async () => {
  const pool = new Pool()
  const { connection } = pool
  pool.connect = () => {
    // As the driver: both are in what the database sent, and nobody is called between them.
    pool.emit('acquire', connection)
    connection.lose()
    return Promise.resolve(connection)
  }
  const store = postgresStore<Connection>(pool)
  for (let i = 0; i < 20; i++) {
    await assert.rejects(
      store.once('a', () => Promise.resolve()),
      /the connection is closed/,
    )
  }
  // What is broken keeps what hears it.
  assert.ok(connection.listenerCount('error') > 0)
})

test('postgresStore: connections that nobody uses end without ending the process, however many stores there are', () => {
  const pool = new Pool()
  for (let i = 0; i < 20; i++) postgresStore<Connection>(pool)
  assert.equal(pool.listenerCount('error'), 1)
  pool.emit('error', new Error('terminating connection'))
})
