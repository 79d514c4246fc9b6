import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { serverFor } from './cluster.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Runs an example to its end; what it printed, line by line. */
async function run(name: string, namesrvAddr: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    `${root}examples/${name}`,
    namesrvAddr,
  ])
  return stdout.trim().split('\n')
}

/** As `run`, in this process: it takes a tenth of the time. Of each example once. */
async function here(t: TestContext, name: string, namesrvAddr: string): Promise<string[]> {
  const lines: string[] = []
  t.mock.method(console, 'log', (line: string) => lines.push(line))
  process.argv[2] = namesrvAddr
  await import(pathToFileURL(`${root}examples/${name}`).href)
  return lines
}

const got = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.startsWith('got ')).sort()

test('examples/send-and-consume.mjs sends six messages, gets them and ends by itself', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await run('send-and-consume.mjs', namesrvAddr)
  const bodies = ['one', 'two', 'three', 'four', 'five', 'six']
  assert.deepEqual(got(lines), bodies.map((body) => `got ${body}`).sort())
})

test('examples/one-way.mjs reads what it sent without waiting', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'one-way.mjs', namesrvAddr)
  assert.deepEqual(got(lines), ['got 19', 'got 20', 'got 21'])
})

test('examples/batch.mjs sends a thousand messages in few requests', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const [line] = await here(t, 'batch.mjs', namesrvAddr)
  assert.match(line ?? '', /^sent 1000 messages in [2-9] requests$/)
})

test('examples/for-await.mjs gets messages one by one, and in batches', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const cards = [1, 2, 3, 4].map((n) => `got card ${n}`)
  const letters = [1, 2, 3].map((n) => `got letter ${n}`)
  assert.deepEqual(got(await here(t, 'for-await.mjs', namesrvAddr)), [...cards, ...letters])
})

test('examples/broadcast.mjs tells both members what they want to know', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const told = ['prices', 'rights'].flatMap((what) =>
    ['first', 'second'].map((name) => `got ${what} changed, at the ${name}`),
  )
  assert.deepEqual(got(await here(t, 'broadcast.mjs', namesrvAddr)), told)
})

test('examples/dead-letters.mjs finds the dead letter and sends it again', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'dead-letters.mjs', namesrvAddr)
  assert.deepEqual(got(lines), ['got 4', 'got 4', 'got 5'])
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('got ')),
    ['dead: four', 'sent 1 again'],
  )
})

test('examples/trace.mjs joins a send with its handler, and writes a trace', async (t) => {
  const { namesrvAddr } = await serverFor(t, { set: ['traceTopicEnable=true'] })
  assert.deepEqual(await here(t, 'trace.mjs', namesrvAddr), [
    'sent to Traced: SEND_OK',
    'handled, of 4bf92f3577b34da6a3ce929d0e0e4736',
    'the trace topic knows the message',
  ])
})

test('examples/health.mjs is ready while it consumes, and neither before nor after', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  assert.deepEqual(await here(t, 'health.mjs', namesrvAddr), [
    'before it runs: live 200, ready 503',
    'it runs: ready 200',
    'queues: 4, behind: 0',
    'after close(): ready 503',
  ])
})

test('examples/one-at-a-time.mjs handles the steps of each customer in order', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'one-at-a-time.mjs', namesrvAddr)
  assert.deepEqual(lines, ['ann: 1, 2, 3', 'bob: 1, 2, 3'])
})

test('examples/pause-and-seek.mjs leaves one topic alone, and reads the other one twice', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'pause-and-seek.mjs', namesrvAddr)
  const prices = ['got price 1', 'got price 2']
  assert.deepEqual(lines.slice(0, 2).sort(), prices)
  assert.deepEqual(lines.slice(2, 4).sort(), ['got mail 1', 'got mail 2'])
  assert.deepEqual(lines.slice(4).sort(), prices)
})

test('examples/metrics.mjs serves what the client counted', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'metrics.mjs', namesrvAddr)
  assert.deepEqual(lines, ['messages: 3', 'oneway: 0', 'sends that were timed: 3'])
})

test('examples/opentelemetry.mjs joins a send with its handler', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'opentelemetry.mjs', namesrvAddr)
  assert.deepEqual(lines, ['process Spans is below send Spans: true'])
})

test('examples/shutdown.mjs ends its work, and then itself', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  assert.deepEqual(await run('shutdown.mjs', namesrvAddr), [
    'began one',
    'SIGTERM: no new work',
    'done one, told to hurry: false',
    'ended',
  ])
})

test('examples/admin.mjs sees how far a group is behind, before and after a reset', async (t) => {
  const { namesrvAddr, brokerPort } = await serverFor(t)
  assert.deepEqual(await here(t, 'admin.mjs', namesrvAddr), [
    'behind: 0',
    'queues that begin again: 2',
    'behind: 3',
    'found message 2',
    ...[1, 2, 3].map((n) => `browsed message ${n}`),
    `the broker listens at ${brokerPort ?? ''}`,
  ])
})

test('examples/admin-of-messages.mjs tells what becomes of messages', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  assert.deepEqual(await here(t, 'admin-of-messages.mjs', namesrvAddr), [
    'example-watched wants paid || refunded of Watched',
    'example-watched: consumed',
    'waiting for their time: 1',
    'for Watched in 60 minutes',
    'open transactions: 1',
  ])
})

test('examples/errors.mjs prints what to do', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'errors.mjs', namesrvAddr)
  const said = [
    /^RMQ_MESSAGE: Nothing was sent/,
    /^RMQ_OPTION: /,
    /^RMQ_TIMEOUT while it was in «wait»: .*nobody replied/,
    /^RMQ_NAME_SERVER, try again: Start one/,
  ]
  assert.equal(lines.length, said.length)
  said.forEach((pattern, i) => {
    assert.match(lines[i] ?? '', pattern)
  })
})

test('examples/ordered.mjs gets the steps of each order in order', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  assert.deepEqual(
    await here(t, 'ordered.mjs', namesrvAddr),
    [1, 2, 3].map((n) => `order-${n}: created, paid, shipped`),
  )
})

test('examples/typed.mjs gets orders, and neither sends nor gets anything else', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'typed.mjs', namesrvAddr)
  assert.deepEqual(got(lines), ['got order 1: tea', 'got order 2: cup'])
  assert.match(lines[0] ?? '', /^RMQ_SERDE: .*must be an order/)
})

test('examples/request-reply.mjs gets an answer to each of its questions', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'request-reply.mjs', namesrvAddr)
  assert.deepEqual(lines, ['got 1 + 2 = 3', 'got 3 + 4 + 5 = 12'])
})

test('examples/filter-by-sql.mjs gets the orders that its expression chooses, as the guide says', async (t) => {
  const { namesrvAddr } = await serverFor(t, { set: ['enablePropertyFilter=true'] })
  const script = `${root}examples/filter-by-sql.mjs`
  const lines = await here(t, 'filter-by-sql.mjs', namesrvAddr)
  assert.deepEqual(lines.sort(), ['got chair', 'got teapot'])
  const said = /^ *subscriptions: .*$/m
  const guide = said.exec(readFileSync(`${root}docs/guide/filters.md`, 'utf8'))
  assert.ok(readFileSync(script, 'utf8').includes(guide?.[0] ?? 'the guide has no example'))
})

test('examples/filter-by-sql.mjs says what to do when the broker does not allow it', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const script = `${root}examples/filter-by-sql.mjs`
  const env = { ...process.env, NAMESRV_ADDR: namesrvAddr }
  const ran = promisify(execFile)(process.execPath, [script], { env })
  await assert.rejects(ran, (error: { stderr?: string }) => {
    assert.match(error.stderr ?? '', /does not support consumer to filter message by SQL92/)
    return true
  })
})

test('examples/deliver-later.mjs gets each message in its time, as the guide says', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const script = `${root}examples/deliver-later.mjs`
  const env = { ...process.env, NAMESRV_ADDR: namesrvAddr }
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env })
  const all = [...stdout.matchAll(/^got (.*), stored (\d+) ms/gm)]
  const earliest: Record<string, number> = {
    'after a while': 1500,
    'at a time': 3000,
    'after a level': 5000,
  }
  assert.deepEqual(all.map(([, body]) => body).sort(), Object.keys(earliest).sort())
  for (const [, body = '', ms] of all) assert.ok(Number(ms) >= (earliest[body] ?? Infinity), body)
  const sends = /^await producer\.send\(.*$/gm
  const guide = readFileSync(`${root}docs/guide/delay.md`, 'utf8').match(sends)
  assert.deepEqual(readFileSync(script, 'utf8').match(sends), guide)
})

test('examples/transaction.mjs gets what was committed, at once or when asked, as the guide says', async (t) => {
  const set = ['transactionTimeOut=100', 'transactionCheckInterval=100']
  const { namesrvAddr } = await serverFor(t, { set })
  const script = `${root}examples/transaction.mjs`
  assert.deepEqual(got(await here(t, 'transaction.mjs', namesrvAddr)), [
    'got paid',
    'got paid, and not said',
  ])
  const said = /^const producer = [^]*?^\}\)$/m
  const guide = said.exec(readFileSync(`${root}docs/guide/transactions.md`, 'utf8'))
  assert.ok(readFileSync(script, 'utf8').includes(guide?.[0] ?? 'the guide has no example'))
})

test('examples/take-effect-once.mjs bills each order once', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'take-effect-once.mjs', namesrvAddr)
  assert.deepEqual(lines.sort(), ['billed order-1', 'billed order-2', 'billed order-3'])
})

test('examples/behind-a-proxy.mjs loses nothing when the network fails', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'behind-a-proxy.mjs', namesrvAddr)
  const sent = ['as usual', 'reset', 'late', 'forgotten'].map((name) => `sent ${name}`)
  assert.deepEqual(lines, [...sent, 'got 4'])
})

test('examples/consume-write-produce.mjs takes each order from stock once, and has it dispatched once', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const lines = await here(t, 'consume-write-produce.mjs', namesrvAddr)
  const dispatched = [1, 2, 3].map((n) => `dispatch order-${n}`)
  assert.deepEqual(lines.sort(), [...dispatched, 'in stock: 7'])
})

test('examples/in-a-test.mjs passes, and the guide shows what is in it', async () => {
  const script = `${root}examples/in-a-test.mjs`
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', script], {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  })
  assert.match(stdout, /pass 3\b/)
})

test('examples/recall.mjs calls one message back, and the other comes, as the guide says', async (t) => {
  const { namesrvAddr } = await serverFor(t, { set: ['recallMessageEnable=true'] })
  const lines = await here(t, 'recall.mjs', namesrvAddr)
  assert.match(lines[0] ?? '', /^called back [0-9A-F]{32}$/)
  assert.deepEqual(lines.slice(1), ['got kept', 'too late: 604'])
  const recalling = /^const .*(recallHandle }|producer\.recall).*$/gm
  const guide = readFileSync(`${root}docs/guide/delay.md`, 'utf8').match(recalling)
  assert.deepEqual(readFileSync(`${root}examples/recall.mjs`, 'utf8').match(recalling), guide)
})

test('what the guides show in js stands in an example that is run', () => {
  const names = readdirSync(`${root}examples`)
  const sources = names.map((name) => readFileSync(`${root}examples/${name}`, 'utf8'))
  const lines = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  const holds = (block: string): boolean =>
    sources.some((source) => {
      const own = new Set(lines(source))
      return lines(block).every((line) => own.has(line))
    })
  for (const page of readdirSync(`${root}docs/guide`)) {
    const guide = readFileSync(`${root}docs/guide/${page}`, 'utf8')
    const blocks = [...guide.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, block = '']) => block)
    for (const block of blocks) assert.ok(holds(block), `${page}: ${block}`)
    for (const [, name = ''] of guide.matchAll(/`(?:examples\/)?([\w-]+\.mjs)`/g)) {
      assert.ok(names.includes(name), `${page}: ${name}`)
    }
  }
})
