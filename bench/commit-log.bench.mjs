// What a message costs in the store alone: appending it, putting it into its queue and the index, reading it
// back. Limited by the CPU: about 0.45 µs a KiB for the CRC, 0.25 for the copy, 0.3 to 0.5 for the page cache,
// and the rest is ours, so some 1.5 to 2.5 µs a message of 1 KiB are to be expected.
//
//   node bench/commit-log.bench.mjs [--seconds 5] [--body 1024] [--queues 8] [--per-turn 80]
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { nodeEnv, sentenceOf } from '@skylarkmq/env'
import { MessageStore, defaultStoreConfig } from '@skylarkmq/store'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    body: { type: 'string', default: '1024' },
    queues: { type: 'string', default: '8' },
    'per-turn': { type: 'string', default: '80' },
  },
})
const [seconds, bodyBytes, queues] = [values.seconds, values.body, values.queues].map(Number)
const perTurn = Number(values['per-turn'])
const host = Uint8Array.of(127, 0, 0, 1)
const body = Buffer.alloc(bodyBytes, 7)
const properties = Buffer.from(
  'UNIQ_KEY\x017F000001000018B4AAC2000000000000\x02WAIT\x01true\x02TAGS\x01TagA\x02',
)

const directory = mkdtempSync(path.join(os.tmpdir(), 'skylark-bench-'))
try {
  const events = {
    emit: (definition, fields) => {
      if (definition.level === 'error') console.error(sentenceOf(definition, fields))
    },
  }
  const store = await MessageStore.open(nodeEnv(events), defaultStoreConfig(directory))
  store.start()
  await append(store, seconds / 5)
  await row('append', () => append(store, seconds))
  await row('read the tail', () => read(store, (queue) => store.offsetMax('Bench', queue) - 1000))
  await store.shutdown()
} finally {
  rmSync(directory, { recursive: true, force: true })
}

async function row(name, run) {
  const before = process.cpuUsage()
  const started = performance.now()
  const messages = await run()
  const cpu = process.cpuUsage(before)
  const wallSeconds = (performance.now() - started) / 1000
  console.log({
    name,
    messages,
    'messages/s': Math.round(messages / wallSeconds),
    'CPU µs/message': Number(((cpu.user + cpu.system) / messages).toFixed(2)),
    'RSS MiB': process.memoryUsage().rss >> 20,
  })
}

async function append(store, forSeconds) {
  const end = performance.now() + forSeconds * 1000
  let count = 0
  while (performance.now() < end) {
    for (let i = 0; i < perTurn; i++, count++) {
      properties.writeUInt32BE(0x30303030 + (count & 0x0f0f0f0f), 34)
      const { status, remark } = store.putMessage({
        topic: 'Bench',
        queueId: count % queues,
        flag: 0,
        sysFlag: 0,
        bornTimestamp: 0,
        bornHost: host,
        bornPort: 1,
        reconsumeTimes: 0,
        preparedTransactionOffset: 0,
        body,
        properties,
        tagsCode: 2598919,
        waitStoreOk: true,
      })
      if (status !== 'PUT_OK') throw new Error(`${status}: ${remark}`)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return count
}

async function read(store, from) {
  let count = 0
  for (let round = 0; round < 20; round++) {
    for (let queue = 0; queue < queues; queue++) {
      for (let offset = Math.max(0, from(queue)); offset < store.offsetMax('Bench', queue);) {
        const found = await store.getMessage('Bench', queue, offset, { maxCount: 32 })
        if (found.status !== 'FOUND') throw new Error(found.status)
        count += found.count
        offset = found.nextBeginOffset
      }
    }
  }
  return count
}
