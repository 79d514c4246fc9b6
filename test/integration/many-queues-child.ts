// A process of its own for many-queues.test.ts, so that it can have a limit of open files:
// `fill` or `read`, the folder, and how many queues.
import assert from 'node:assert/strict'
import { nodeEnv } from '@skylarkmq/env'
import type { Disk } from '@skylarkmq/env'
import { MessageStore, PutMessageStatus, defaultStoreConfig } from '@skylarkmq/store'

const QUEUES_OF_TOPIC = 20
const MESSAGES_PER_TURN = 1000

const [step, directory = '', count = '0'] = process.argv.slice(2)
const queues = Number(count)
const problems: string[] = []
const host = nodeEnv({
  emit: ({ name, level }) => {
    if (level !== 'info') problems.push(name)
  },
})

/** Leaves the disk itself out, which would take its time over so many files. */
const disk: Disk = {
  ...host.disk,
  syncDirectory: () => Promise.resolve(),
  open: (path, mode) => {
    const file = host.disk.open(path, mode)
    file.sync = () => Promise.resolve()
    return file
  },
}
const config = { ...defaultStoreConfig(directory), mappedFileSizeConsumeQueue: 50 * 20 }

const topicOf = (i: number): string => `Many${Math.floor(i / QUEUES_OF_TOPIC)}`

async function fill(store: MessageStore): Promise<void> {
  for (let i = 0; i < queues; i++) {
    const result = await store.putMessage({
      topic: topicOf(i),
      queueId: i % QUEUES_OF_TOPIC,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: 0,
      bornHost: Uint8Array.of(127, 0, 0, 1),
      bornPort: 1,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(String(i)),
      properties: Buffer.alloc(0),
      tagsCode: 0,
      waitStoreOk: true,
    })
    assert.equal(result.status, PutMessageStatus.PUT_OK)
    if (i % MESSAGES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await store.shutdown()
}

async function read(store: MessageStore): Promise<void> {
  assert.equal(store.topics().length, queues / QUEUES_OF_TOPIC)
  for (let i = 0; i < queues; i++) {
    const [topic, queueId] = [topicOf(i), i % QUEUES_OF_TOPIC]
    const found = await store.getMessage(topic, queueId, 0, { maxCount: 32 })
    assert.equal(found.count, 1, `${topic} ${queueId}`)
    assert.ok(found.records[0]?.includes(String(i)), `${topic} ${queueId}`)
  }
  await store.shutdown()
}

const store = await MessageStore.open({ ...host, disk }, config)
store.start()
await (step === 'fill' ? fill(store) : read(store))
console.log(JSON.stringify(problems))
