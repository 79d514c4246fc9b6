// A child of cold-start.mjs: puts messages into a store, then ends as it is told: `stop` or `kill`.
//
//   node fill.mjs DIRECTORY --messages N --queues N --topics N --body N --end stop|kill [--settle-ms N]
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { nodeEnv, sentenceOf } from '@skylarkmq/env'
import { MessageStore, defaultStoreConfig } from '@skylarkmq/store'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string', default: '1000000' },
    topics: { type: 'string', default: '1' },
    queues: { type: 'string', default: '8' },
    body: { type: 'string', default: '1024' },
    end: { type: 'string', default: 'kill' },
    'settle-ms': { type: 'string', default: '0' },
  },
})
const [messages, topics, queues] = [values.messages, values.topics, values.queues].map(Number)
const perTurn = 80
const events = {
  emit: (definition, fields) => {
    if (definition.level === 'error') console.error(sentenceOf(definition, fields))
  },
}
const store = await MessageStore.open(nodeEnv(events), defaultStoreConfig(positionals[0]))
store.start()
const body = Buffer.alloc(Number(values.body), 7)
const host = Uint8Array.of(127, 0, 0, 1)
for (let i = 0; i < messages;) {
  for (let n = 0; n < perTurn && i < messages; n++, i++) {
    const result = store.putMessage({
      topic: `Cold${Math.floor(i / queues) % topics}`,
      queueId: i % queues,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: i,
      bornHost: host,
      bornPort: 1,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body,
      properties: Buffer.from(`UNIQ_KEY\x017F000001000018B4AAC2${String(i).padStart(12, '0')}\x02`),
      tagsCode: 0,
      waitStoreOk: true,
    })
    if (result.status !== 'PUT_OK' && result.remark !== undefined) throw new Error(result.remark)
  }
  await new Promise((resolve) => setImmediate(resolve))
}
await pause(Number(values['settle-ms']))
if (values.end === 'stop') await store.shutdown()
else process.kill(process.pid, 'SIGKILL')
