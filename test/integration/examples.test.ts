import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { serverFor } from './cluster.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

test('examples/send-and-consume.mjs sends three messages, gets them and ends by itself', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`${root}examples/send-and-consume.mjs`],
    { env: { ...process.env, NAMESRV_ADDR: namesrvAddr } },
  )
  const got = stdout.split('\n').filter((line) => line.startsWith('got '))
  assert.deepEqual(got.sort(), ['got one', 'got three', 'got two'])
})

test('examples/filter-by-sql.mjs gets the orders that its expression chooses, as the guide says', async (t) => {
  const { namesrvAddr } = await serverFor(t, { set: ['enablePropertyFilter=true'] })
  const script = `${root}examples/filter-by-sql.mjs`
  const env = { ...process.env, NAMESRV_ADDR: namesrvAddr }
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env })
  assert.deepEqual(stdout.trim().split('\n').sort(), ['got chair', 'got teapot'])
  const said = /^consumer\.subscribe\(.*$/m
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
  const got = [...stdout.matchAll(/^got (.*), stored (\d+) ms/gm)]
  const earliest: Record<string, number> = {
    'after a while': 1500,
    'at a time': 3000,
    'after a level': 5000,
  }
  assert.deepEqual(got.map(([, body]) => body).sort(), Object.keys(earliest).sort())
  for (const [, body = '', ms] of got) assert.ok(Number(ms) >= (earliest[body] ?? Infinity), body)
  const sends = /^await producer\.send\(.*$/gm
  const guide = readFileSync(`${root}docs/guide/delay.md`, 'utf8').match(sends)
  assert.deepEqual(readFileSync(script, 'utf8').match(sends), guide)
})

test('examples/transaction.mjs gets what was committed, at once or when asked, as the guide says', async (t) => {
  const set = ['transactionTimeOut=100', 'transactionCheckInterval=100']
  const { namesrvAddr } = await serverFor(t, { set })
  const script = `${root}examples/transaction.mjs`
  const env = { ...process.env, NAMESRV_ADDR: namesrvAddr }
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env })
  const got = stdout.split('\n').filter((line) => line.startsWith('got '))
  assert.deepEqual(got.sort(), ['got paid', 'got paid, and not said'])
  const said = /^const producer = [^]*?^\}\)$/m
  const guide = said.exec(readFileSync(`${root}docs/guide/transactions.md`, 'utf8'))
  assert.ok(readFileSync(script, 'utf8').includes(guide?.[0] ?? 'the guide has no example'))
})
