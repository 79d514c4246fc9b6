import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import type { ConsumeContext, ReceivedMessage, RocketMQ } from '@skylarkmq/client'
import { idempotent, outbox, postgresStore, type PostgresClient } from '../src/index.ts'

/** As a framework's context has it. */
interface Logged {
  readonly log: { info(text: string): void }
}

test('the connection that work is given has the type of the pool’s, and may be named', async () => {
  const pool = new pg.Pool()
  const store = postgresStore(pool)
  const handler = idempotent<Buffer, pg.PoolClient>(
    async (_message, _context, tx) => {
      // Only that of pg tells the types of its rows.
      const { rows } = await tx.query<{ id: number }>('SELECT 1 AS id')
      return rows[0]?.id
    },
    { store },
  )
  const inferred = idempotent(
    async (_message, _context, tx) => (await tx.query<{ id: number }>('SELECT 1')).rows[0]?.id,
    { store },
  )
  // What a framework gives beside a consumer's context stays there.
  const logged: (message: ReceivedMessage, context: ConsumeContext & Logged) => Promise<void> =
    idempotent(
      ({ msgId }, { log, signal }, tx) => {
        log.info(msgId)
        return [signal, tx]
      },
      { store },
    )
  // One transaction for what is taken, written and sent.
  const produces = (mq: RocketMQ) =>
    outbox(mq, { store }).then((box) =>
      idempotent<Buffer, pg.PoolClient>(
        (_message, _context, tx) => box.add({ topic: 'Next', body: 'b' }, tx),
        { store, outbox: box },
      ),
    )
  const named = postgresStore<pg.PoolClient>(pool)
  const own = postgresStore({
    connect: (): Promise<PostgresClient & { release(): void; name: string }> =>
      Promise.reject(new Error('not connected')),
  })
  const work = own.once('k', (tx) => Promise.reject(new Error(tx.name)))
  await assert.rejects(work, /not connected/)
  assert.deepEqual(
    [typeof handler, typeof inferred, typeof logged, typeof produces, typeof named],
    ['function', 'function', 'function', 'function', 'object'],
  )
  await pool.end()
})
