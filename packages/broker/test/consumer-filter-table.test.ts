import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { memoryDisk, nodeEnv, silentEvents } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import { parseSubscription, type SubscriptionData } from '@skylarkmq/protocol'
import { BloomFilter } from '../src/filter/bloom-filter.ts'
import { ConsumerFilterTable } from '../src/filter/consumer-filter-table.ts'

const PATH = '/memory/config/consumerFilter.json'
const DAY_MS = 86_400_000
const golden = new URL('../../test/golden/consumerFilter.json', import.meta.url)

function tableOn(contents?: string) {
  const clock = manualClock()
  const disk = memoryDisk(() => clock.now())
  disk.makeDirectory('/memory/config')
  if (contents !== undefined) disk.writeFile(PATH, Buffer.from(contents))
  const env = { ...nodeEnv(silentEvents), clock, disk }
  const table = new ConsumerFilterTable(env, {
    path: PATH,
    maxErrorRateOfBloomFilter: 20,
    expectConsumerNumUseFilter: 32,
    cleanTimeSpanMs: () => DAY_MS,
  })
  const saved = (): unknown => JSON.parse(disk.readFile(PATH)?.toString() ?? 'null')
  return { table, clock, saved }
}

const sql = (topic: string, expression: string, version: number): SubscriptionData =>
  parseSubscription(topic, expression, 'SQL92', version)

// Reference: `BloomFilter.java`; the numbers are out of a file that Apache wrote.
test('the places of a name in the Bloom filter are those of Apache', () => {
  const { filterDataByTopic } = JSON.parse(readFileSync(golden, 'utf8')) as {
    filterDataByTopic: Record<
      string,
      { groupFilterData: Record<string, { bloomFilterData: unknown }> }
    >
  }
  const bloom = new BloomFilter(20, 32)
  let compared = 0
  for (const [topic, { groupFilterData }] of Object.entries(filterDataByTopic)) {
    for (const [group, { bloomFilterData }] of Object.entries(groupFilterData)) {
      assert.deepEqual(bloom.placesOf(`${group}#${topic}`), bloomFilterData, `${group}#${topic}`)
      compared++
    }
  }
  assert.ok(compared >= 10, String(compared))
})

test('a file of Apache is loaded, and what was loaded is written as Apache writes it', () => {
  const text = readFileSync(golden, 'utf8')
  const { table, saved } = tableOn(text)
  const file = JSON.parse(text) as {
    filterDataByTopic: Record<string, { groupFilterData: Record<string, Record<string, unknown>> }>
  }
  for (const [topic, { groupFilterData }] of Object.entries(file.filterDataByTopic)) {
    for (const [group, filter] of Object.entries(groupFilterData)) {
      const loaded = table.get(topic, group)
      assert.ok(loaded !== undefined, group)
      assert.equal(loaded.expression, filter['expression'])
      assert.equal(loaded.clientVersion, filter['clientVersion'])
      assert.notEqual(loaded.compiled, undefined)
      // The clients have not come back yet.
      assert.ok(loaded.deadTime >= loaded.bornTime)
      filter['deadTime'] = loaded.deadTime
      filter['dead'] = true
    }
  }
  table.register('other', [sql('New', 'a = 1', 1)])
  table.save()
  const written = saved() as typeof file
  delete written.filterDataByTopic['New']
  assert.deepEqual(written, file)
})

test('a file for another size of the Bloom filter is ignored', () => {
  const text = readFileSync(golden, 'utf8').replaceAll(/"bitNum":\s*\d+/g, '"bitNum":8')
  const { table } = tableOn(text)
  assert.deepEqual(table.toJson(), { filterDataByTopic: {} })
})

// Reference: `ConsumerFilterManager.java`, FilterDataMapByTopic.
test('a newer expression replaces an older one; the same one keeps the time of its birth', () => {
  const { table, clock } = tableOn()
  table.register('G', [sql('T', 'a = 1', 1)])
  const bornTime = table.get('T', 'G')?.bornTime
  clock.advance(10)
  table.register('G', [sql('T', 'a = 1', 2)])
  assert.equal(table.get('T', 'G')?.clientVersion, 2)
  assert.equal(table.get('T', 'G')?.bornTime, bornTime)
  table.register('G', [sql('T', 'a = 2', 1)])
  assert.equal(table.get('T', 'G')?.expression, 'a = 1')
  table.register('G', [sql('T', 'a = 2', 3)])
  assert.equal(table.get('T', 'G')?.expression, 'a = 2')
  assert.notEqual(table.get('T', 'G')?.bornTime, bornTime)
  table.register('G', [sql('T', 'a =', 4)])
  assert.equal(table.get('T', 'G'), undefined)
})

test('a group that gives a topic up or leaves is dead, and alive once it is back', () => {
  const { table, clock } = tableOn()
  const isDead = (topic: string): boolean => table.get(topic, 'G')?.deadTime !== 0
  const both = [sql('T', 'a = 1', 1), sql('U', 'a = 1', 1)]
  table.register('G', both)
  clock.advance(10)
  table.register('G', both.slice(0, 1))
  assert.deepEqual([isDead('T'), isDead('U')], [false, true])
  table.register('G', [parseSubscription('T', '*')])
  assert.equal(isDead('T'), false)
  table.unregister('G')
  assert.deepEqual([isDead('T'), isDead('U')], [true, true])
  table.register('G', both)
  assert.deepEqual([isDead('T'), isDead('U')], [false, false])
})

test('a dead group is forgotten after its time, a living one never', () => {
  const { table, clock, saved } = tableOn()
  table.register('G', [sql('T', 'a = 1', 1)])
  table.register('H', [sql('T', 'a = 1', 1)])
  clock.advance(10)
  table.unregister('G')
  clock.advance(DAY_MS - 1)
  table.save()
  assert.notEqual(table.get('T', 'G'), undefined)
  clock.advance(1)
  table.save()
  assert.equal(table.get('T', 'G'), undefined)
  const { filterDataByTopic } = saved() as {
    filterDataByTopic: { T: { groupFilterData: object } }
  }
  assert.deepEqual(Object.keys(filterDataByTopic.T.groupFilterData), ['H'])
})
