/**
 * A shop that is killed: node shop.mjs KIND DIRECTORY NAMESERVER [--closed]. It takes orders, each with a message, one after
 * the other; closed, it only sends what waits in its outbox.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { RocketMQ } from '@skylarkmq/client'
import { outbox } from '@skylarkmq/idempotent'
import { shopAt } from './databases.mjs'

const [kind, directory, nameServers, closed] = process.argv.slice(2)
const TOPIC = 'Orders'
/** Between two orders, ms. */
const PAUSE_MS = 15
/** Of a hundred orders so many are not taken after all, and so many are to be given up by who bills them. */
const UNDONE = 4
const GIVEN_UP = 2

const percent = () => Math.random() * 100
const logger = { debug() {}, info() {}, warn: console.log, error: console.log }
const mq = new RocketMQ({ nameServers, logger })
const shop = shopAt(kind, directory)

/** Writes the order down and has its message sent, both or neither. */
async function withOutbox() {
  const options = { group: 'shop', store: shop.store, sendTimeoutMs: 1000, resendMs: 500, logger }
  const box = await outbox(mq, options)
  return (id) =>
    box.send({ topic: TOPIC, body: id, keys: id }, async (tx) => {
      await shop.writeOrder(tx, id)
      if (percent() < UNDONE) throw new Error('the customer has changed their mind')
    })
}

/** Without a transaction: an order counts once a broker has taken its message. */
async function withoutOutbox() {
  const producer = await mq.producer({ group: 'shop', sendTimeoutMs: 1000 })
  return async (id) => {
    await producer.send({ topic: TOPIC, body: id, keys: id }, { require: 'SEND_OK' })
    shop.writeOrder(undefined, id)
  }
}

const take = await (shop.isTransactional ? withOutbox() : withoutOutbox())
while (closed === undefined) {
  const id = `${randomUUID()}${percent() < GIVEN_UP ? '-dead' : ''}`
  try {
    await take(id)
  } catch (error) {
    console.log(`${id}: ${error.message}`)
  }
  await pause(PAUSE_MS)
}
