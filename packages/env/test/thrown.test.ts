import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOfThrown, textOfThrown } from '../src/index.ts'

test('a thrown object is described by its content', () => {
  assert.equal(textOfThrown({ code: 7, reason: 'no stock' }), '{"code":7,"reason":"no stock"}')
  assert.equal(textOfThrown({ status: 'error', message: 'no stock' }), 'no stock')
  assert.equal(errorOfThrown({ code: 7 }).message, '{"code":7}')
  const round: Record<string, unknown> = {}
  round['round'] = round
  const odd = [round, { toJSON: () => undefined }, { big: 1n }, { toJSON: 5 }]
  for (const each of odd) assert.match(textOfThrown(each), /cannot be shown|\{"toJSON":5\}/)
})
