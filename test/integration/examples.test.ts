import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
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
