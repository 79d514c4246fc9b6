import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentEvents, type Env } from '@skylarkmq/env'
import { Producer, PushConsumer } from '@skylarkmq/client'
import { examineConfigFile } from '../src/configuration.ts'
import { ConfigUnreadable, DataDirectoryUnusable, PortUnavailable } from '../src/errors.ts'
import type { ServerOptions } from '../src/server-options.ts'
import type { RunningServer } from '../src/running-server.ts'
import { startServer } from '../src/start-server.ts'

const ends = new WeakMap<TestContext, (() => unknown)[]>()

/** Calls `end` when the test ends; what was registered last is called first. */
function atEnd(t: TestContext, end: () => unknown): void {
  const known = ends.get(t)
  if (known !== undefined) {
    known.push(end)
    return
  }
  const list = [end]
  ends.set(t, list)
  t.after(async () => {
    for (const each of list.reverse()) await each()
  })
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'skylark-'))
  atEnd(t, () => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

async function start(
  t: TestContext,
  options: Partial<ServerOptions>,
): Promise<RunningServer & { warnings: string[] }> {
  const warnings: string[] = []
  const server = await startServer({
    namesrvPort: 0,
    brokerPort: 0,
    events: silentEvents,
    warn: (sentence) => warnings.push(sentence),
    ...options,
  })
  atEnd(t, () => server.stop())
  return { ...server, warnings }
}

test('messages and offsets are there after a stop and a start', async (t) => {
  const data = folderFor(t)
  const first = await start(t, { data })
  const producer = new Producer({ namesrvAddr: first.namesrvAddr })
  for (const body of ['one', 'two'])
    await producer.send({ topic: 'T', body }, { queue: queueOf(first) })
  await producer.close()
  assert.ok(existsSync(path.join(data, 'abort')), 'while it runs, the file abort is there')
  await consumeUntil(first, 'one')
  await first.stop()
  assert.ok(!existsSync(path.join(data, 'abort')), 'a clean stop removes it')
  const second = await start(t, { data })
  await consumeUntil(second, 'two')
})

const queueOf = (server: RunningServer) => ({
  topic: 'T',
  brokerName: server.brokerName ?? '',
  queueId: 0,
})

/** Consumes as the group G until `last` has come, which must be the next message. */
async function consumeUntil(server: RunningServer, last: string): Promise<void> {
  const consumer = new PushConsumer({
    namesrvAddr: server.namesrvAddr,
    group: 'G',
    consumeFrom: 'first',
    concurrency: 1,
    pollNameServerMs: 50,
  })
  consumer.subscribe('T')
  const next = await new Promise<string>((resolve, reject) => {
    consumer
      .start((message) => {
        resolve(message.body.toString())
        void consumer.close()
      })
      .catch(reject)
  })
  assert.equal(next, last)
  await consumer.close()
}

test('stopping twice is as good as once', async (t) => {
  const server = await start(t, { ephemeral: true })
  await Promise.all([server.stop(), server.stop()])
  await server.stop()
})

test('a server in memory writes no file', async (t) => {
  const folder = folderFor(t)
  const server = await start(t, { ephemeral: true, data: path.join(folder, 'never') })
  assert.equal(server.dataDirectory, undefined)
  assert.ok(!existsSync(path.join(folder, 'never')))
})

test('a port that another program has is an error that names port and flag, and no data is touched', async (t) => {
  const other = net.createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => other.close())
  const { port } = other.address() as net.AddressInfo
  const data = path.join(folderFor(t), 'data')
  for (const [option, flag] of [
    ['namesrvPort', '--namesrv-port'],
    ['brokerPort', '--broker-port'],
  ] as const) {
    await assert.rejects(start(t, { data, [option]: port }), (error) => {
      assert.ok(error instanceof PortUnavailable)
      assert.ok(error.message.includes(`:${port}: another program has the port`), error.message)
      assert.ok(error.message.includes(flag))
      return true
    })
    assert.ok(!existsSync(data))
  }
})

test('a port that may be any is one whose fast port is free too', async (t) => {
  let taken: number | undefined
  const env = (own: Env): Env => {
    const listen: Env['net']['listen'] = (address, accept) => {
      if (address.port === 0 || taken !== undefined) return own.net.listen(address, accept)
      taken = address.port
      return Promise.reject(Object.assign(new Error('it is taken'), { code: 'EADDRINUSE' }))
    }
    return { ...own, net: { ...own.net, listen } }
  }
  const { brokerPort = 0, fastPort } = await start(t, { ephemeral: true, env })
  assert.ok(taken !== undefined)
  assert.equal(fastPort, brokerPort - 2)
})

test('a data directory that another running process has is refused with its process id', async (t) => {
  const data = folderFor(t)
  await start(t, { data })
  await assert.rejects(start(t, { data }), (error) => {
    assert.ok(error instanceof DataDirectoryUnusable)
    assert.ok(error.message.includes(String(process.pid)))
    return true
  })
})

test('a data directory that cannot be made or written is an error that names it', async (t) => {
  const folder = folderFor(t)
  const file = path.join(folder, 'file')
  writeFileSync(file, '')
  await assert.rejects(start(t, { data: path.join(file, 'data') }), DataDirectoryUnusable)
  assert.equal(readFileSync(file, 'utf8'), '')
})

const isRoot = process.getuid?.() === 0

test(
  'a data directory that this user may not write is an error that says so',
  { skip: isRoot ? 'root may write everywhere' : process.platform === 'win32' },
  async (t) => {
    const folder = path.join(folderFor(t), 'locked')
    mkdirSync(folder)
    chmodSync(folder, 0o500)
    await assert.rejects(start(t, { data: folder }), (error) => {
      assert.ok(error instanceof DataDirectoryUnusable)
      assert.match(error.message, /may not write/)
      return true
    })
  },
)

test('a corrupt config/topics.json keeps the server from starting, and nothing is changed', async (t) => {
  const data = folderFor(t)
  const first = await start(t, { data })
  await first.stop()
  const file = path.join(data, 'config', 'topics.json')
  for (const name of [file, `${file}.bak`]) writeFileSync(name, '{"broken":')
  await assert.rejects(start(t, { data }), (error) => {
    assert.equal((error as { code?: unknown }).code, 'ERR_BROKER_CONFIG_FILE')
    assert.ok((error as Error).message.includes('topics.json'))
    return true
  })
  assert.equal(readFileSync(file, 'utf8'), '{"broken":')
  rmSync(file)
  rmSync(`${file}.bak`)
  await start(t, { data })
})

test('a configuration file that is not there is an error with its whole path', async (t) => {
  const configFile = path.join(folderFor(t), 'none.conf')
  await assert.rejects(start(t, { configFile, ephemeral: true }), (error) => {
    assert.ok(error instanceof ConfigUnreadable)
    assert.ok(error.message.includes(configFile))
    return true
  })
})

test('the configuration file is read, --set comes after it, and flags come last', async (t) => {
  const configFile = path.join(folderFor(t), 'broker.conf')
  writeFileSync(configFile, 'brokerName=from-file\nlistenPort=1\nbrokerClusterName=C\n')
  const set = ['brokerName=from-set']
  const server = await start(t, { configFile, set, ephemeral: true })
  assert.equal(server.brokerName, 'from-set')
  assert.notEqual(server.brokerPort, 1)
  assert.equal(server.broker?.context?.config.brokerClusterName, 'C')
})

test('a bad configuration is reported before anything is opened', async (t) => {
  const data = path.join(folderFor(t), 'data')
  await assert.rejects(start(t, { data, set: ['noSuchKey=1'], strict: true }), /noSuchKey/)
  await assert.rejects(start(t, { data, set: ['brokerId=one'] }), /brokerId/)
  assert.ok(!existsSync(data))
})

// Apache: BrokerStartup, buildBrokerController.
test('a master has number 0 whatever the file says, as in Apache, and a slave another', async (t) => {
  const configFile = path.join(folderFor(t), 'broker.conf')
  writeFileSync(configFile, 'brokerRole=ASYNC_MASTER\nbrokerId=2\n')
  const { warnings, broker } = await start(t, { configFile, ephemeral: true })
  assert.equal(broker?.context?.config.brokerId, 0)
  assert.match(warnings.join(), /line 2: brokerId: it is taken for 0, as by Apache/)
  const notes = examineConfigFile(configFile, 'broker')
  assert.deepEqual(
    notes.map(({ kind, key, line }) => [kind, key, line]),
    [['adjusted', 'brokerId', 2]],
  )
  const slave = await start(t, { set: ['brokerRole=SLAVE', 'brokerId=1'], ephemeral: true })
  assert.equal(slave.broker?.context?.config.brokerId, 1)
  assert.match(
    slave.warnings.join(),
    /brokerRole: replication is not built: this slave stays empty/,
  )
  const set = ['brokerRole=SLAVE']
  await assert.rejects(start(t, { set, ephemeral: true }), /brokerId: that of a slave must be 1/)
})

test('a line that --set replaces is not looked at', async (t) => {
  const configFile = path.join(folderFor(t), 'broker.conf')
  writeFileSync(configFile, 'brokerIP1=<YOUR IP>\nbrokerName=a\n')
  await assert.rejects(start(t, { configFile, ephemeral: true }), /line 1: brokerIP1: it must be/)
  const set = ['brokerIP1=127.0.0.1']
  const server = await start(t, { configFile, set, ephemeral: true })
  assert.deepEqual(server.warnings, [])
  assert.match(server.brokerAddr ?? '', /^127\.0\.0\.1:/)
})

// Apache: BrokerConfig takes the variable for its default, then the file and then the command line come over it.
test('name servers of the environment are for a configuration that names none', async (t) => {
  const configFile = path.join(folderFor(t), 'broker.conf')
  writeFileSync(configFile, 'namesrvAddr=127.0.0.1:1\n')
  const own = { namesrvAddrOtherwise: '127.0.0.1:2', ephemeral: true }
  const used = async (options: Partial<ServerOptions>): Promise<string | undefined> => {
    const server = await start(t, { ...own, ...options })
    return server.broker?.context?.config.namesrvAddr.split(';').slice(1).join(';')
  }
  assert.equal(await used({}), '127.0.0.1:2')
  assert.equal(await used({ configFile }), '127.0.0.1:1')
  assert.equal(await used({ configFile, namesrvAddr: '127.0.0.1:3' }), '127.0.0.1:3')
  await assert.rejects(
    start(t, { ...own, namesrvAddrOtherwise: 'name-1' }),
    /environment: NAMESRV_ADDR: it must be host:port/,
  )
})

test('an unknown key keeps nobody from starting, and a name server takes its own keys', async (t) => {
  const folder = folderFor(t)
  const data = path.join(folder, 'data')
  const { warnings } = await start(t, { data, set: ['noSuchKey=1', 'maxRoutes=7'] })
  assert.deepEqual(warnings, [
    '--set: noSuchKey has no effect: there is no such key in Apache RocketMQ or here',
  ])
  const configFile = path.join(folder, 'namesrv.conf')
  writeFileSync(configFile, 'listenPort=0\nbrokerName=a\n')
  const alone = await start(t, { data, broker: false, namesrvPort: undefined, configFile })
  assert.notEqual(alone.namesrvPort, 9876)
  assert.match(alone.warnings.join(), /line 2: brokerName has no effect/)
})

test('a start that fails behind its store gives the folder back, and another in the process succeeds', async (t) => {
  const data = folderFor(t)
  let reads = 0
  const failing = (own: Env): Env => ({
    ...own,
    disk: {
      ...own.disk,
      readFile: (file) => {
        // The tables are read before the store is opened, and this one once more behind that.
        if (file.endsWith('delayOffset.json') && ++reads === 2) {
          throw Object.assign(new Error(`EIO: made by a test, read '${file}'`), { code: 'EIO' })
        }
        return own.disk.readFile(file)
      },
    },
  })
  await assert.rejects(start(t, { data, env: failing }), /EIO.*delayOffset\.json/)
  assert.ok(reads >= 2)
  const again = await start(t, { data })
  assert.ok(again.brokerAddr !== undefined)
})
