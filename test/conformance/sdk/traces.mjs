/** What Apache's mqadmin makes of the traces that our client writes. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'
import { javaArguments } from '../apache/apache.mjs'

const QUIET = { debug() {}, info() {}, warn() {}, error() {} }
/** Each look takes mqadmin some seconds, and traces are written in their own time. */
const LOOKS = 6

/** A message that fails once: mqadmin shows who sent it, and both calls of the handler. */
async function lifeOfAMessage({ nameServer, topic, group, directory, createTopic }) {
  await createTopic(topic, 1)
  const mq = new RocketMQ({ nameServers: nameServer, logger: QUIET })
  try {
    const producer = await mq.producer({ group: `${group}-producer`, trace: true })
    const { msgId } = await producer.send({ topic, body: 'x', tag: 'a', keys: 'k' })
    await failsOnce(mq, topic, group)
    const home = join(directory, `home-${group}`)
    mkdirSync(home, { recursive: true })
    await untilShown({ home, nameServer, msgId })
  } finally {
    await mq.close()
  }
}

async function failsOnce(mq, topic, group) {
  const subscriptions = { [topic]: '*' }
  const consumer = await mq.consumer({ group, subscriptions, consumeFrom: 'first', trace: true })
  let calls = 0
  await new Promise((resolve, reject) => {
    const handler = () => {
      if (++calls === 1) throw new Error('the first time')
      resolve()
    }
    consumer.run(handler).catch(reject)
  })
}

async function untilShown({ home, nameServer, msgId }) {
  const mainClass = 'org.apache.rocketmq.tools.command.MQAdminStartup'
  const args = ['queryMsgTraceById', '-n', nameServer, '-i', msgId]
  const wanted = [/^Pub .* success/m, /^Sub .* failed/m, /^Sub .* success/m]
  let shown = ''
  for (let look = 0; look < LOOKS; look++) {
    const { stdout } = await promisify(execFile)('java', javaArguments({ mainClass, args, home }))
    shown = stdout
    if (wanted.every((each) => each.test(shown))) return
    await pause(1_000)
  }
  assert.fail(`mqadmin shows\n${shown}`)
}

/** As [name, check]; they need Java. */
export const traceChecks = [['trace/life-of-a-message', lifeOfAMessage]]
