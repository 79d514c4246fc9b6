import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counted, explain, printTo } from '../src/terminal.ts'

/** What `explain` prints of an error. */
function explained(error: unknown): string {
  let text = ''
  const before = printTo({
    write: () => assert.fail('an error goes to standard error'),
    writeError: (line) => (text += line),
  })
  try {
    explain(error)
  } finally {
    printTo(before)
  }
  return text
}

test('an error with advice is printed in one line, and the advice in another, once', () => {
  const error = Object.assign(new Error('It failed. Try again.'), { advice: 'Try again.' })
  assert.equal(explained(error), 'error It failed.\nTry again.\n')
})

test('an error without advice is printed with its stack', () => {
  const text = explained(new TypeError('odd'))
  assert.match(text, /^TypeError: odd\n {4}at /)
})

test('a thrown value that is not an Error is printed as text', () => {
  assert.equal(explained('nothing'), 'nothing\n')
  assert.equal(explained(undefined), 'undefined\n')
})

test('what a server said cannot steer the terminal', () => {
  const error = Object.assign(new Error('a\u001b[2Jb'), { advice: 'c\rd' })
  assert.doesNotMatch(explained(error), /[\u001b\r]/)
  assert.doesNotMatch(explained('\u001b]0;title\u0007'), /[\u001b\u0007]/)
})

test('one is one, and all else is many', () => {
  assert.deepEqual(
    [0, 1, 2].map((n) => counted(n, 'key')),
    ['0 keys', '1 key', '2 keys'],
  )
  assert.equal(counted(2, 'entry', 'entries'), '2 entries')
})
