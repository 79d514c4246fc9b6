import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const program = path.join(root, 'test/attack/attack.mjs')

test('what strangers may send ends no process, fills none and reaches no file of others', async () => {
  const child = spawn(process.execPath, [program, '--short'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise((resolve) => child.once('exit', resolve))
  assert.equal(code, 0, said)
  assert.match(said, /^[1-9]\d* passed, 0 failed$/m)
})
