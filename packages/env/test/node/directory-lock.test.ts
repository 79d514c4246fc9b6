import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { directoryHolder, nodeEnv, silentEvents } from '../../src/index.ts'

test('who has a folder can be asked without touching it', (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'skylark-'))
  t.after(() => {
    fs.rmSync(directory, { recursive: true })
  })
  assert.equal(directoryHolder(directory), undefined)
  const lock = nodeEnv(silentEvents).disk.lock(directory)
  assert.equal(directoryHolder(directory), process.pid)
  lock.release()
  assert.equal(directoryHolder(directory), undefined)
  // A process that is gone has nothing.
  fs.writeFileSync(path.join(directory, 'skylark.pid'), `${2 ** 22 + 1} 1\n`)
  assert.equal(directoryHolder(directory), undefined)
  assert.deepEqual(fs.readdirSync(directory), ['skylark.pid'])
})
