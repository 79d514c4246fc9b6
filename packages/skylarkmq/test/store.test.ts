import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, statSync, truncateSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { folderFor, run, serverFor, type Ended } from './command-line.ts'

interface Record {
  readonly topic: string
  readonly physicalOffset: number
  readonly sizeBytes: number
}

const json = ({ out }: Ended): unknown => JSON.parse(out)

/** The folder of a server that took three messages and was stopped. */
async function storeFor(t: TestContext): Promise<string> {
  const data = path.join(folderFor(t), 'data')
  const server = await serverFor(t, { data })
  const sent = await run(
    ...['send', 'Kept', 'body', '--keys', 'k7', '--count', '3', '-n', server.namesrvAddr],
  )
  assert.equal(sent.code, 0)
  await server.stop()
  return data
}

test('a store that was stopped is sound, with code 0, read as a whole or fast', async (t) => {
  const data = await storeFor(t)
  const { code, out } = await run('store', 'check', data)
  assert.equal(code, 0)
  assert.match(out, /\b3 records; /)
  assert.match(out, /\nsound: all parts of the store are consistent\n$/)
  const fast = await run('store', 'check', data, '--fast', '--json')
  assert.equal(fast.code, 0)
  const report = json(fast) as { directory: string; verdict: string; summary: { records: number } }
  assert.deepEqual([report.directory, report.verdict], [data, 'sound'])
  assert.equal(report.summary.records, 3)
})

test('each part of a store is printed as text and as JSON, and both say the same', async (t) => {
  const data = await storeFor(t)
  const inspect = (...args: string[]): Promise<Ended> => run('store', 'inspect', data, ...args)
  const summary = await inspect()
  assert.equal(summary.code, 0)
  assert.match(summary.out, /last stop {4}clean/)
  assert.match(summary.out, /^ {4}Kept {2}\d$/m)
  const records = json(await inspect('records', '--json')) as Record[]
  assert.equal(records.length, 3)
  const second = records[1]
  assert.ok(second?.topic === 'Kept')
  const one = await inspect('records', '--from', String(second.physicalOffset), '--count', '1')
  assert.match(one.out, new RegExp(`\\b${second.physicalOffset}\\b`))
  const found = json(await inspect('index', '--topic', 'Kept', '--key', 'k7', '--json')) as Record[]
  assert.equal(found.length, 3)
  const queueIds = readdirSync(path.join(data, 'consumequeue', 'Kept'))
  let units = 0
  for (const queue of queueIds) {
    const flags = ['queue', '--topic', 'Kept', '--queue', queue]
    const list = json(await inspect(...flags, '--json')) as object[]
    units += list.length
    assert.equal((await inspect(...flags)).out.trimEnd().split('\n').length, list.length + 1)
  }
  assert.equal(units, 3)
  assert.match((await inspect('checkpoint')).out, /^physicMsgTimestamp +\d{13} \(20/m)
  assert.match((await inspect('timers')).out, /^waiting +0 messages in 0 slots/m)
})

test('asking for something that does not exist ends with code 2, or is reported', async (t) => {
  const data = await storeFor(t)
  const inspect = (...args: string[]): Promise<Ended> => run('store', 'inspect', data, ...args)
  assert.equal((await inspect('queue')).code, 2)
  const missing = await inspect('queue', '--topic', 'Nothing')
  assert.deepEqual([missing.code, missing.error], [2, 'error there is no queue Nothing/0\n'])
  assert.match((await inspect('index', '--key', 'k7')).error, /give --topic as well/)
  const none = await inspect('index', '--topic', 'Kept', '--key', 'k8')
  assert.deepEqual([none.code, none.out], [0, 'no message has this key\n'])
})

test('cut queues are found, and rebuilt only with --apply', async (t) => {
  const data = await storeFor(t)
  for (const queue of readdirSync(path.join(data, 'consumequeue', 'Kept'))) {
    const folder = path.join(data, 'consumequeue', 'Kept', queue)
    for (const file of readdirSync(folder)) truncateSync(path.join(folder, file), 0)
  }
  const plan = await run('store', 'repair', data)
  assert.equal(plan.code, 1)
  assert.match(plan.out, /^would rebuild the queues from the log$/m)
  assert.match(plan.out, /Nothing was changed\. --apply does it\.\n$/)
  const planned = json(await run('store', 'repair', data, '--json')) as {
    applied: boolean
    plan: { queues: boolean }
  }
  assert.deepEqual([planned.applied, planned.plan.queues], [false, true])
  const done = await run('store', 'repair', data, '--apply')
  assert.equal(done.code, 0)
  assert.match(done.out, /^did: rebuild the queues from the log$/m)
  assert.match(done.out, /^kept .+before-repair/m)
  assert.equal((await run('store', 'check', data)).code, 0)
  assert.match((await run('store', 'repair', data)).out, /There is nothing to repair\.\n$/)
})

test('a directory that is not a store is not checked: code 2, a sentence, and no new file', async (t) => {
  const folder = folderFor(t)
  const empty = path.join(folder, 'empty')
  mkdirSync(empty)
  for (const command of ['check', 'inspect', 'repair']) {
    const missing = await run('store', command, path.join(folder, 'missing'))
    assert.equal(missing.code, 2, command)
    assert.match(missing.error, /^error there is no directory .+missing\n$/)
    const other = await run('store', command, empty)
    assert.deepEqual([other.code, other.out], [2, ''], command)
    assert.match(other.error, /is not a store/)
  }
  assert.deepEqual(readdirSync(empty), [])
  assert.ok(statSync(folder).isDirectory())
  const config = await run('store', 'check', empty, '-c', path.join(folder, 'missing.conf'))
  assert.equal(config.code, 2)
  assert.match(config.error, /missing\.conf/)
})

test('a store that a server has open is neither checked nor repaired, with code 2 and who has it', async (t) => {
  const data = path.join(folderFor(t), 'data')
  await serverFor(t, { data })
  for (const command of ['check', 'repair']) {
    const { code, out, error } = await run('store', command, data)
    assert.deepEqual([code, out], [2, ''], command)
    assert.match(error, new RegExp(`${process.pid}.*has the store open`))
  }
  const looked = await run('store', 'inspect', data)
  assert.equal(looked.code, 0)
  assert.match(looked.error, /the newest may be missing/)
})
