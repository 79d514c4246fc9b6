import assert from 'node:assert/strict'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Producer } from '@skylarkmq/client'
import { folderFor, serverFor } from './cluster.ts'
import { skylark, type Ended } from './skylark.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

function store(cwd: string, args: readonly string[]): Promise<Ended> {
  return skylark(['store', ...args], { cwd })
}

/** A folder in which a broker took five orders into `skylark-data`, and was stopped. */
async function folderWithOrders(t: TestContext): Promise<string> {
  const folder = folderFor(t)
  const set = ['mappedFileSizeCommitLog=1048576', 'defaultTopicQueueNums=1']
  const server = await serverFor(t, { data: path.join(folder, 'skylark-data'), set })
  const producer = new Producer({ namesrvAddr: server.namesrvAddr, group: 'P' })
  for (let i = 5; i < 10; i++) {
    await producer.send({ topic: 'Orders', body: `order ${i} \u001b[31m`, keys: [String(i)] })
  }
  await producer.close()
  await server.stop()
  return folder
}

test('every command of the guide to the store does what it says', async (t) => {
  const folder = await folderWithOrders(t)
  const guide = readFileSync(path.join(root, 'docs/guide/store.md'), 'utf8')
  const commands = [...guide.matchAll(/^npx skylark store (.*)$/gm)].map((found) => found[1] ?? '')
  assert.ok(commands.length > 8)
  for (const command of commands) {
    const { code, stdout, stderr } = await store(folder, command.split(' '))
    assert.equal(code, 0, `${command}: ${stdout} ${stderr}`)
    if (command.includes('--json')) assert.ok(JSON.parse(stdout))
    if (command.startsWith('check') && !command.includes('--json')) assert.match(stdout, /sound/)
    if (command.includes('--key 7'))
      assert.match(stdout, /property {2}KEYS = 7[^]*order 7 \\u001b\[31m/)
  }
})

test('the store of a broker that asks for access control can be looked at', async (t) => {
  const folder = await folderWithOrders(t)
  const file = path.join(folder, 'broker.conf')
  writeFileSync(file, 'aclEnable=true\nauthenticationEnabled=true\nfastListenPort=1\n')
  const { code, stdout, stderr } = await store(folder, ['check', 'skylark-data', '-c', file])
  assert.equal(code, 0, stdout + stderr)
})

test('a damaged store is found, explained and repaired', async (t) => {
  const folder = await folderWithOrders(t)
  const data = path.join(folder, 'skylark-data')
  const queue = path.join(data, 'consumequeue/Orders/0/00000000000000000000')
  writeFileSync(queue, readFileSync(queue).fill(0, 20, 40))
  const found = await store(folder, ['check'])
  assert.equal(found.code, 1)
  assert.match(found.stdout, /problem queue Orders\/0: 1 places from 1 on have no unit/)
  assert.match(found.stdout, /skylark store repair/)
  assert.match(found.stdout, /unsound: 2 problems that a start does not mend\n$/)
  const planned = await store(folder, ['repair'])
  assert.equal(planned.code, 1)
  assert.match(planned.stdout, /would rebuild the queues[^]*Nothing was changed/)
  assert.ok(!readdirSync(data).some((name) => name.includes('before-repair')))
  const done = await store(folder, ['repair', '--apply'])
  assert.equal(done.code, 0, done.stdout)
  assert.ok(readdirSync(data).some((name) => name.startsWith('consumequeue.before-repair-')))
  const units = await store(folder, [
    'inspect',
    './skylark-data',
    'queue',
    '--topic',
    'Orders',
    '--json',
  ])
  assert.equal((JSON.parse(units.stdout) as unknown[]).length, 5)
})

test('the check of a killed store says that the next start mends it, and changes nothing', async (t) => {
  const folder = await folderWithOrders(t)
  const data = path.join(folder, 'skylark-data')
  writeFileSync(path.join(data, 'abort'), '')
  // What a power cut leaves of a queue whose last pages were on disk before the log's.
  const queue = path.join(data, 'consumequeue/Orders/0/00000000000000000000')
  const sound = readFileSync(queue)
  const units = Buffer.from(sound)
  units.writeBigInt64BE(10_000_000n, 5 * 20)
  units.writeInt32BE(200, 5 * 20 + 8)
  writeFileSync(queue, units)
  for (let i = 0; i < 2; i++) {
    const { code, stdout } = await store(folder, ['check'])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /mended queue Orders\/0: from 5 on a unit names a place behind the end/)
    assert.match(stdout, /\nmended by the next start: 1 problem;/)
  }
  assert.ok(readFileSync(queue).equals(units))
  const { stdout } = await store(folder, ['check', '--json'])
  writeFileSync(queue, sound)
  const report = JSON.parse(stdout) as Record<string, unknown>
  assert.deepEqual(
    [report['verdict'], report['problemCount'], report['remainingCount']],
    ['mended-by-start', 1, 0],
  )
})

test('of a store that no broker opens the check says why', async (t) => {
  const folder = await folderWithOrders(t)
  const data = path.join(folder, 'skylark-data')
  const log = path.join(data, 'commitlog')
  const stray = path.join(log, '00000000000003145728')
  writeFileSync(stray, Buffer.alloc(1048576, 1))
  const { code, stdout } = await store(folder, ['check'])
  rmSync(stray)
  assert.equal(code, 1)
  assert.match(stdout, /start .*the file of offset 1048576 is missing/)
  assert.match(stdout, /unsound/)
})

test('what cannot be looked at ends with code 2 and one sentence', async (t) => {
  const folder = folderFor(t)
  for (const command of ['check', 'inspect', 'repair']) {
    const { code, stdout, stderr } = await store(folder, [command, './nowhere'])
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /there is no directory .*nowhere/)
  }
  writeFileSync(path.join(folder, 'file'), '')
  const noStore = await store(folder, ['check', '.'])
  assert.match(noStore.stderr, /is not a store/)
})

test('a store that a broker has open is not checked and not repaired, but can be looked into', async (t) => {
  const folder = folderFor(t)
  const data = path.join(folder, 'skylark-data')
  await serverFor(t, { data })
  for (const command of ['check', 'repair']) {
    const { code, stderr } = await store(folder, [
      command,
      ...(command === 'repair' ? ['--apply'] : []),
    ])
    assert.equal(code, 2)
    assert.match(stderr, new RegExp(`process ${process.pid} has the store open`))
  }
  const { code, stderr } = await store(folder, ['inspect'])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /the newest may be missing/)
})
