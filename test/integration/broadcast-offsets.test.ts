import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RocketMQ } from '@skylarkmq/client'
import { atEnd, Collector, createTopic, folderFor, serverFor, until } from './cluster.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const child = fileURLToPath(new URL('./broadcast-offsets-child.js', import.meta.url))

async function begin(t: TestContext) {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 1)
  const folder = folderFor(t)
  const mq = new RocketMQ({ nameServers, logger: silent })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  const send = (body: string) => producer.send({ topic: 'T', body })
  const files = () =>
    ['', '#2', '#3'].map((member) =>
      path.join(folder, `${mq.clientId.replace(/@.*/, '@DEFAULT')}${member}`, 'g', 'offsets.json'),
    )
  /** A member of this process, with a client of its own unless one is given. */
  const listen = async (
    client = new RocketMQ({ nameServers, logger: silent }),
    offsetsDirectory = folder,
  ) => {
    atEnd(t, () => client.close())
    const taken = new Collector<string>()
    const consumer = await client.consumer({
      ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first', model: 'BROADCASTING' },
      offsetsDirectory,
    })
    await consumer.run(({ body }) => {
      taken.add(body.toString())
    })
    return { taken, close: () => consumer.close() }
  }
  /** A member that is a process. */
  const start = () => {
    const taken = new Collector<string>()
    const running = spawn(process.execPath, [child, nameServers, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: running.stdout }).on('line', (line) => {
      taken.add(line)
    })
    const kill = async () => {
      running.kill('SIGKILL')
      if (running.exitCode === null && running.signalCode === null) await once(running, 'exit')
    }
    atEnd(t, kill)
    return { taken, kill }
  }
  return { nameServers, folder, send, files, listen, start }
}

const offsetOf = (file: string): number =>
  existsSync(file) ? Number(/:(\d+)\}\}$/.exec(readFileSync(file, 'utf8'))?.[1]) : 0

test('broadcasting members of one machine have a file each, and continue where one of them stopped', async (t) => {
  const { nameServers, send, files, listen } = await begin(t)
  await send('a')
  const two = new RocketMQ({ nameServers, logger: silent })
  const members = [await listen(two), await listen(two), await listen()]
  for (const { taken } of members) assert.deepEqual(await taken.atLeast(1), ['a'])
  for (const { close } of members) await close()
  assert.deepEqual(files().map(offsetOf), [1, 1, 1])
  await send('b')
  const again = [await listen(), await listen(), await listen()]
  for (const { taken } of again) assert.deepEqual(await taken.atLeast(1), ['b'])
})

test('processes do not share a file, and the successor of a killed one continues in its file', async (t) => {
  const { send, files, start } = await begin(t)
  await send('a')
  const members = [start(), start()]
  for (const { taken } of members) assert.deepEqual(await taken.atLeast(1), ['a'])
  await until(() =>
    files()
      .slice(0, 2)
      .every((file) => offsetOf(file) === 1),
  )
  for (const { kill } of members) await kill()
  await send('b')
  const again = [start(), start()]
  for (const { taken } of again) assert.deepEqual(await taken.atLeast(1), ['b'])
  assert.equal(existsSync(files()[2] ?? ''), false)
})

test('a folder that cannot be made keeps nobody from consuming', async (t) => {
  const { folder, send, listen } = await begin(t)
  const file = path.join(folder, 'file')
  writeFileSync(file, '')
  await send('a')
  assert.deepEqual(await (await listen(undefined, file)).taken.atLeast(1), ['a'])
})
