import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import {
  GetBrokerConfig,
  ResponseCode,
  topicConfigSerializeWrapperBody,
  UpdateBrokerConfig,
  type JsonBody,
} from '@skylarkmq/protocol'
import { ConfigFileCorrupt } from '../src/errors.ts'
import { JsonFile } from '../src/json-table.ts'
import { topicConfig } from '../src/topic/topic-config-table.ts'
import { testBroker } from './support/broker.ts'
import { nodeEnv, silentEvents } from '@skylarkmq/env'

const PATH = '/memory/config/topics.json'

/** A body that takes any object as it is. */
const anyTable: JsonBody<unknown> = {
  decode: () => undefined,
  encode: () => Buffer.alloc(0),
  read: (value) => value,
}

function fileOn(contents: Record<string, string>): JsonFile {
  const disk = memoryDisk(() => 0)
  disk.makeDirectory('/memory/config')
  for (const [path, text] of Object.entries(contents)) disk.writeFile(path, Buffer.from(text))
  return new JsonFile({ ...nodeEnv(silentEvents), disk }, PATH)
}

// Reference: `ConfigManager.java`.
test('a table file that is empty or torn gives way to its backup', () => {
  for (const torn of ['', '{"a":', 'nonsense']) {
    const file = fileOn({ [PATH]: torn, [`${PATH}.bak`]: '{"a":1}' })
    assert.deepEqual(file.load(anyTable), { a: 1 })
  }
  assert.deepEqual(fileOn({ [`${PATH}.bak`]: '{"a":1}' }).load(anyTable), { a: 1 })
})

// As an editor or another program leaves them; Apache begins with an empty table after most.
const OF_NO_USE = ['', 'null', '[]', '5', '"text"', '{"a":']
const ODD_INSIDE: Record<string, readonly string[]> = {
  'topics.json': ['{"topicConfigTable":[]}', '{"topicConfigTable":{"T":5}}', '{"dataVersion":7}'],
  'consumerOffset.json': ['{"offsetTable":{"T@G":5}}', '{"offsetTable":{"T@G":{"0":"x"}}}'],
  'subscriptionGroup.json': ['{"subscriptionGroupTable":{"G":[]}}', '{"forbiddenTable":3}'],
  'delayOffset.json': ['{"offsetTable":"x"}', '{"offsetTable":{"x":1}}'],
  'consumerFilter.json': ['{"filterDataByTopic":{"T":{"groupFilterData":[]}}}'],
  'messageRequestMode.json': ['{"messageRequestModeMap":{"T":{"G":{"mode":"no"}}}}'],
}

test('a state file that says nothing, or has another shape, is refused by its name and stays as it is', async (t) => {
  for (const [name, odd] of Object.entries(ODD_INSIDE)) {
    for (const text of [...OF_NO_USE, ...odd]) {
      const disk = memoryDisk(() => 0)
      const path = `/memory/config/${name}`
      disk.makeDirectory('/memory/config')
      disk.writeFile(path, Buffer.from(text))
      await assert.rejects(
        testBroker(t, { disk }),
        (error) => error instanceof ConfigFileCorrupt && error.message.includes(path),
        `${name}: ${text}`,
      )
      assert.equal(disk.readFile(path)?.toString(), text)
    }
  }
})

test('an unusable state file is replaced by its backup, and an unusable backup is refused by its name', () => {
  for (const text of [...OF_NO_USE, '{"topicConfigTable":[]}']) {
    const good = '{"topicConfigTable":{"T":{"readQueueNums":3,"writeQueueNums":"3"}}}'
    const file = fileOn({ [PATH]: text, [`${PATH}.bak`]: good })
    const topics = file.load(topicConfigSerializeWrapperBody)?.topicConfigTable
    assert.equal(topics?.get('T')?.writeQueueNums, 3, text)
  }
  const corrupt = fileOn({ [`${PATH}.bak`]: '' })
  assert.throws(
    () => corrupt.load(anyTable),
    (error) => error instanceof ConfigFileCorrupt && error.message.includes(`${PATH}.bak`),
  )
})

test('a table that is not there yet is empty, one that nobody can read is an error that names the file', () => {
  assert.equal(fileOn({}).load(anyTable), undefined)
  const corrupt = fileOn({ [PATH]: '{"a":', [`${PATH}.bak`]: '{"b":' })
  assert.throws(
    () => corrupt.load(anyTable),
    (error) => error instanceof ConfigFileCorrupt && error.message.includes(PATH),
  )
})

test('numeric keys may be bare, as Apache writes them', () => {
  const file = fileOn({ [PATH]: '{"offsetTable":{"T@G":{0:5,1:7}}}' })
  const loaded = file.load(anyTable) as { offsetTable: Record<string, Record<string, number>> }
  assert.equal(loaded.offsetTable['T@G']?.['1'], 7)
})

test('saving keeps what was there before as the backup', () => {
  const disk = memoryDisk(() => 0)
  disk.makeDirectory('/memory/config')
  const file = new JsonFile({ ...nodeEnv(silentEvents), disk }, PATH)
  file.save({ a: 1 })
  file.save({ a: 2 })
  file.save({ a: 2 })
  const read = (path: string): unknown => JSON.parse(disk.readFile(path)?.toString() ?? '')
  assert.deepEqual(read(PATH), { a: 2 })
  assert.deepEqual(read(`${PATH}.bak`), { a: 1 })
  assert.equal(disk.readFile(`${PATH}.tmp`), undefined)
})

test('a broker with a corrupt table does not start, and changes neither file', async (t) => {
  const first = await testBroker(t)
  await first.peer().send('T', 'b')
  await first.stop()
  const { disk } = first
  for (const path of [PATH, `${PATH}.bak`]) disk.writeFile(path, Buffer.from('{"broken":'))
  await assert.rejects(testBroker(t, { disk }), ConfigFileCorrupt)
  assert.equal(disk.readFile(PATH)?.toString(), '{"broken":')
  assert.equal(disk.readFile(`${PATH}.bak`)?.toString(), '{"broken":')
})

test('topics outlive a restart', async (t) => {
  const first = await testBroker(t)
  await first.peer().send('T', 'b', {}, { defaultTopicQueueNums: 3 })
  await first.stop()
  const second = await testBroker(t, { disk: first.disk })
  assert.equal(second.context.topics.get('T')?.writeQueueNums, 3)
})

// Reference: `TopicConfigManager.java`, updateOrderTopicConfig.
test('what the name server lists as ordered becomes ordered, and nothing else changes', async (t) => {
  const { context, peer } = await testBroker(t)
  for (const topic of ['A', 'B', 'C']) await peer().send(topic, 'b')
  const orderOf = (topic: string) => context.topics.get(topic)?.order
  context.topics.put({ ...topicConfig('A', 1, 6), order: true })
  context.topics.setOrdered(new Set(['B', 'absent']))
  assert.deepEqual([orderOf('A'), orderOf('B'), orderOf('C')], [true, true, false])
})

test('configuration changes all or nothing, and neither paths nor listed keys over the network', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  const change = (text: string) => one.ask(UpdateBrokerConfig, {}, Buffer.from(text))
  const value = async (key: string): Promise<string | undefined> => {
    const { body } = await one.ask(GetBrokerConfig, {})
    return new RegExp(`^${key}=(.*)$`, 'm').exec(body?.toString() ?? '')?.[1]
  }
  for (const key of [
    'brokerConfigPath',
    'storePathRootDir',
    'storePathCommitLog',
    'rocketmqHome',
  ]) {
    const refused = await change(`fileReservedTime=1\n${key}=/etc\n`)
    assert.notEqual(refused.code, 0, key)
    assert.equal(await value('fileReservedTime'), '72', key)
  }
  assert.equal((await change('fileReservedTime=soon\n')).code, ResponseCode.SYSTEM_ERROR)
  assert.equal((await change('fileReservedTime=48\nnoSuchKey=1\n')).code, 0)
  assert.equal(await value('fileReservedTime'), '48')
})
