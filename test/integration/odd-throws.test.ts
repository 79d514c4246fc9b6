import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorOfThrown, stackOfThrown, textOfThrown } from '@skylarkmq/env'
import { ODD_THROWS } from './odd-throws.ts'

const child = fileURLToPath(new URL('odd-throws-child.js', import.meta.url))

/** Runs a kind to its end; the end of the process by what was thrown is its status. */
function run(kind: string): Promise<{ status: number | null; out: string; errors: string }> {
  return new Promise((resolve) => {
    const running = spawn(process.execPath, ['--no-warnings', child, kind])
    let out = ''
    let errors = ''
    running.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    running.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    running.once('close', (status) => {
      resolve({ status, out, errors: errors.slice(0, 2_000) })
    })
  })
}

describe('nothing that a user throws ends the process', { concurrency: 2 }, () => {
  const kinds = [
    ...['handlers', 'ordered', 'listeners', 'serdes', 'checks', 'allocation', 'selectors'],
    ...['loggers', 'readers', 'signals', 'filters'],
  ]
  for (const kind of kinds) {
    test(kind, async () => {
      const { status, out, errors } = await run(kind)
      assert.deepEqual({ status, out, errors }, { status: 0, out: '[]', errors: '' })
    })
  }
})

for (const [name, odd] of Object.entries(ODD_THROWS)) {
  test(`of ${name} there is a text of bounded length, and an Error`, () => {
    for (const text of [textOfThrown(odd()), stackOfThrown(odd())]) {
      assert.equal(typeof text, 'string')
      assert.ok(text.length > 0 && text.length < 5_000)
    }
    const { name: itsName, message, stack } = errorOfThrown(odd())
    assert.deepEqual(
      [itsName, message, stack].map((each) => typeof each).join(),
      'string,string,string',
    )
  })
}

test('an Error is told by its message, and with its stack in one line', () => {
  const error = new RangeError('too far')
  assert.equal(textOfThrown(error), 'too far')
  assert.match(stackOfThrown(error), /^RangeError: too far ← .*odd-throws/)
  assert.equal(errorOfThrown(error), error)
  assert.equal(textOfThrown({ message: 'from another realm' }), 'from another realm')
})
