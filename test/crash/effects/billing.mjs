/**
 * A member of the group that bills orders, and is killed: node billing.mjs KIND DIRECTORY NAMESERVER. Its handler fails, puts
 * messages back, and takes longer than a lock lasts. With each effect it sends a receipt, in the same transaction. It writes down in the file `calls` how each call of it went.
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RocketMQ } from '@skylarkmq/client'
import { idempotent, outbox } from '@skylarkmq/idempotent'
import { LOCK_MS, shopAt } from './databases.mjs'

const [kind, directory, nameServers] = process.argv.slice(2)
const logger = { debug() {}, info() {}, warn: console.log, error: console.log }
const mq = new RocketMQ({ nameServers, logger })
const shop = shopAt(kind, directory)
const { store } = shop
const box = shop.isTransactional
  ? await outbox(mq, { group: 'receipts', store, sendTimeoutMs: 1000, resendMs: 500, logger })
  : undefined

const say = (what, id, call) =>
  appendFileSync(join(directory, 'calls'), `${what} ${id} ${call} ${process.pid} ${Date.now()}\n`)

/** Bills an order; false when its message is put back or given up instead. */
async function bill(id, call, context, tx) {
  say('began', id, call)
  if (id.endsWith('-dead')) {
    context.deadLetter('an order that is to be given up')
    return false
  }
  const effect = async () => {
    await shop.writeEffect(tx, id)
    await box?.add({ topic: 'Receipts', body: id }, tx)
    say('effect', id, call)
  }
  const chance = Math.random() * 100
  // Only a transaction takes an effect back when there is trouble after it.
  const isEarly = (shop.isTransactional || chance >= 12) && Math.random() < 0.5
  if (isEarly) await effect()
  if (chance < 4) throw new Error('the handler fails')
  if (chance < 12) {
    if (chance < 8) context.retryIn('1s')
    else context.hold(100)
    return false
  }
  if (chance < 13) await pause(LOCK_MS * 1.5)
  else if (chance < 40) await pause(Math.random() * 100)
  if (!isEarly) await effect()
  return true
}

async function handle(message, context) {
  const id = String(message.body)
  const call = randomUUID()
  let isDone
  const once = idempotent(
    async (_, own, tx) => {
      isDone = await bill(id, call, own, tx)
    },
    { store, key: () => id, busyDelay: 200, outbox: box },
  )
  try {
    await once(message, context)
    if (isDone !== undefined) say(isDone ? 'noted' : 'back', id, call)
  } catch (error) {
    say('failed', id, call)
    throw error
  }
}

const consumer = await mq.consumer({
  ...{ group: 'billing', subscriptions: { Orders: '*' }, consumeFrom: 'first', concurrency: 8 },
})
await consumer.run(handle)
