import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimNode, World } from '@skylarkmq/env/sim'
import { ConsumerOffsetTable } from '../src/consumer/consumer-offset-table.ts'
import { topicConfig, TopicConfigTable } from '../src/topic/topic-config-table.ts'

const PATH = '/config/consumerOffset.json'
const SEEDS = 80

/** Commits and saves offsets, with crashes in the middle of any operation; returns what was lost of them. */
async function runSeed(seed: number): Promise<{ crashes: number; commits: number }> {
  const world = new World(seed)
  const node = new SimNode(world)
  const { random } = world
  const first = node.start().env.disk
  first.makeDirectory('/config')
  first.syncDirectoryNow('/')
  node.exited()
  let committed = 0
  let settled = 0
  let crashes = 0
  for (let life = 0; life < 12; life++) {
    const process = node.start()
    const isAlive = (): boolean => process.isAlive
    const table = new ConsumerOffsetTable(process.env, PATH)
    const loaded = table.committed('G', 'T', 0) ?? 0
    assert.ok(loaded <= committed, `offset ${loaded} was never committed, at most ${committed} was`)
    assert.ok(loaded >= settled, `offset ${settled} was on disk, and ${loaded} is there`)
    committed = loaded
    const isPower = random.chance(0.6)
    node.disk.strikeAt(random.between(1, 20), () => {
      if (isPower) node.powerCut()
      else node.kill()
    })
    for (let i = 0; i < 8; i++) {
      if (!isAlive()) break
      table.commit('G', 'T', 0, ++committed)
      table.save()
      if (random.chance(0.3)) continue
      // Longer than the slowest disk takes.
      await world.run(world.time + 20_000)
      if (isAlive()) settled = committed
    }
    if (isAlive()) node.kill()
    crashes++
  }
  return { crashes, commits: committed }
}

test('after any crash the offsets are some that were committed, and none that were on disk is forgotten', async () => {
  let commits = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      commits += (await runSeed(seed)).commits
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
    }
  }
  assert.ok(commits > SEEDS, 'the runs did something')
})

/** Makes topics and kills the process at some moment; returns how many were acknowledged. */
async function killedWhileTopicsAreMade(seed: number): Promise<number> {
  const world = new World(seed)
  const node = new SimNode(world)
  const { random } = world
  node.start().env.disk.makeDirectory('/config')
  const settings = {
    path: '/config/topics.json',
    clusterName: 'C',
    brokerName: 'b',
    defaultTopicQueueNums: 8,
    autoCreateTopicEnable: true,
    traceTopicEnable: false,
    traceTopicName: 'TRACE',
  }
  const acknowledged = new Set<string>()
  for (let life = 0; life < 5; life++) {
    node.kill()
    const process = node.start()
    const isAlive = (): boolean => process.isAlive
    const table = new TopicConfigTable(process.env, settings)
    for (const topic of acknowledged) assert.ok(table.get(topic), `${topic} was acknowledged`)
    node.disk.strikeAt(random.between(1, 40), () => {
      node.kill()
    })
    for (let i = 0; i < 30 && isAlive(); i++) {
      const topic = `T${life}-${i}`
      try {
        table.put(topicConfig(topic, 1, 6))
        if (!isAlive()) break
        const { saved } = table
        if (saved === undefined) acknowledged.add(topic)
        else saved.then(() => isAlive() && acknowledged.add(topic)).catch(() => undefined)
      } catch (error) {
        if (isAlive()) throw error
      }
      await world.run(world.time + random.between(0, 60))
    }
    await world.run(world.time + 200)
  }
  return acknowledged.size
}

test('a topic that was acknowledged is there after a kill, though topics are saved together', async () => {
  let acknowledged = 0
  for (let seed = 1; seed <= 40; seed++) acknowledged += await killedWhileTopicsAreMade(seed)
  assert.ok(acknowledged > 400, `${acknowledged} topics were acknowledged`)
})

test('offsets behind the end of a queue that lost messages go back to its end', () => {
  const world = new World(1)
  const { env } = new SimNode(world).start()
  env.disk.makeDirectory('/config')
  const table = new ConsumerOffsetTable(env, PATH)
  table.commit('G', 'T', 0, 10)
  table.commit('G', 'T', 1, 3)
  assert.equal(
    table.clamp(() => 8),
    1,
  )
  assert.equal(table.committed('G', 'T', 0), 8)
  assert.equal(table.committed('G', 'T', 1), 3)
})
