import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

// `npm run cold-start -- --only files` does it with 20,000 queues and 1024 files.
const QUEUES = 2000
const OPEN_FILES_MAX = 400
const child = fileURLToPath(new URL('many-queues-child.js', import.meta.url))
const skip = process.platform === 'win32' ? 'there is no ulimit' : false

/** Runs the child to its end where a process may open few files. */
function run(step: 'fill' | 'read', directory: string): string {
  const command = [process.execPath, child, step, directory, String(QUEUES)]
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `ulimit -n ${OPEN_FILES_MAX} && exec "$@"`, 'sh', ...command],
    { encoding: 'utf8' },
  )
  assert.equal(status, 0, stderr)
  return stdout
}

test(
  'queues are written, opened and read where a process may open only a fifth of their files',
  { skip },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'skylark-many-queues-'))
    try {
      for (const step of ['fill', 'read'] as const) {
        assert.deepEqual(JSON.parse(run(step, directory)), [], step)
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
)
