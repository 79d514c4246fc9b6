import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const script = fileURLToPath(new URL('../../grammar.mjs', import.meta.url))

test('the parser of SQL92 expressions is what its grammar makes', async () => {
  const { stderr } = await promisify(execFile)(process.execPath, [script, '--check'])
  assert.equal(stderr, '')
})
