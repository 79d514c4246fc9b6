/** What becomes of `close` while the broker's process hangs, and when it is gone; nothing else may run beside these. */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { RocketMQ } from '@skylarkmq/client'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const DEADLINE_MS = 1_000
/** An answer is waited for longer than any check runs: nothing but the deadline ends `close`. */
const ANSWER_MS = 1e8
/** So long a machine may have other work. */
const SLACK_MS = 20_000

const closesWhen = (signal) => async (on) => {
  const { topic, group, nameServer, brokerPid } = on
  await on.createTopic(topic, 2)
  const mq = new RocketMQ({ nameServers: nameServer, logger: silent, timeout: ANSWER_MS })
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, ordered: true })
  await consumer.run(() => undefined)
  const producer = await mq.producer({ group })
  await producer.send({ topic, body: 'b' })
  const pid = brokerPid()
  process.kill(pid, signal)
  try {
    const late = pause(DEADLINE_MS + SLACK_MS, 'late', { ref: false })
    assert.notEqual(await Promise.race([mq.close({ timeout: DEADLINE_MS }), late]), 'late')
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
