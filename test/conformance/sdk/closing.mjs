/** What becomes of `close` while the broker's process hangs, and when it is gone; nothing else may run beside these. */
import assert from 'node:assert/strict'
import { RocketMQ } from '@skylarkmq/client'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const DEADLINE_MS = 1_000
/** How much later than its deadline it may end on a machine that has other work. */
const SLACK_MS = 1_000

const closesWhen = (signal) => async (on) => {
  const { topic, group, nameServer, brokerPid } = on
  await on.createTopic(topic, 2)
  const mq = new RocketMQ({ nameServers: nameServer, logger: silent })
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, ordered: true })
  await consumer.run(() => undefined)
  const producer = await mq.producer({ group })
  await producer.send({ topic, body: 'b' })
  const pid = brokerPid()
  process.kill(pid, signal)
  try {
    const began = performance.now()
    await mq.close({ timeout: DEADLINE_MS })
    const tookMs = performance.now() - began
    assert.ok(tookMs < DEADLINE_MS + SLACK_MS, `close took ${tookMs} ms`)
    assert.deepEqual(consumer.queues, [])
  } finally {
    if (signal === 'SIGSTOP') process.kill(pid, 'SIGCONT')
  }
}

/** The second one ends the broker. */
export const closingChecks = [
  ['close/hung', closesWhen('SIGSTOP')],
  ['close/gone', closesWhen('SIGKILL')],
]
