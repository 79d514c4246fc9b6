import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatProperties } from '@skylarkmq/protocol'
import { CompiledExpressions } from '../src/filter/compiled-expressions.ts'
import { SqlExpression } from '../src/filter/sql92/sql-expression.ts'

const golden = new URL('../../test/golden/sql92.json', import.meta.url)

/** `T` when it matches, `F` when not, `X` when it cannot be read. */
function answer(expression: string, properties: string): string {
  const compiled = SqlExpression.compile(expression)
  if (typeof compiled === 'string') return 'X'
  return compiled.matchesProperties(Buffer.from(properties)) ? 'T' : 'F'
}

function assertAnswers(
  cases: readonly [expression: string, expected: string][],
  properties: Record<string, string>,
): void {
  for (const [expression, expected] of cases) {
    assert.equal(answer(expression, formatProperties(properties)), expected, expression)
  }
}

test("expressions are answered as by Apache's filter", () => {
  const pairs = JSON.parse(readFileSync(golden, 'utf8')) as {
    expression: string
    properties: string
    answer: string
  }[]
  assert.ok(pairs.length > 500, String(pairs.length))
  for (const { expression, properties, answer: expected } of pairs) {
    assert.equal(
      answer(expression, properties),
      expected,
      JSON.stringify({ expression, properties }),
    )
  }
})

// Reference: `ComparisonExpression.java`.
test('a property is read as the type of the number beside it, and matches nothing when it is none', () => {
  assertAnswers(
    [
      ['a = 7', 'T'],
      ['a = 7.0', 'T'],
      ['a <> 8', 'T'],
      ['a = 3000000000', 'F'],
      ['long > 5', 'F'],
      ['long > 2999999999', 'T'],
      ['long > 5.0', 'T'],
      ['NOT (long > 5)', 'F'],
      ['half > 1', 'F'],
      ['half > 1.0', 'T'],
      ['half > a', 'F'],
      ['a > half', 'T'],
      ['word <> 1', 'F'],
      ['a = 7 OR word = 1', 'T'],
      ['word = 1 OR a = 7', 'F'],
      ['a > 6 AND a < 8', 'T'],
      ["a = '7'", 'F'],
      ["a = '007'", 'T'],
      ['yes = TRUE', 'T'],
      ['TRUE = yes', 'F'],
      ['(a = 7) = yes', 'F'],
    ].map(([expression, expected]) => [expression as string, expected as string]),
    { a: '007', long: '3000000000', half: '1.5', word: 'x', yes: 'True' },
  )
})

test('what is not there is unknown, and unknown matches neither way', () => {
  assertAnswers(
    [
      ['no = 1', 'F'],
      ['no <> 1', 'F'],
      ['NOT (no = 1)', 'F'],
      ['no IS NULL', 'T'],
      ['a IS NOT NULL', 'T'],
      ['no = 1 OR a = 1', 'T'],
      ['no = 1 AND a = 1', 'F'],
      ['NOT (no = 1 AND a = 2)', 'T'],
      ["no IN ('1')", 'F'],
      ["no NOT IN ('1')", 'F'],
      ["NOT (no CONTAINS '1')", 'T'],
      ["no NOT CONTAINS '1'", 'F'],
      ['no = absent', 'T'],
      ['1 = no', 'F'],
      ['NOT (1 = no)', 'T'],
      ['a', 'F'],
      ['NOT a', 'T'],
      ['NULL', 'F'],
    ],
    { a: '1' },
  )
})

test('an expression ends where it cannot go on, and what may go on has to go on rightly', () => {
  assertAnswers(
    [
      ['a = 1 ++ what', 'T'],
      ['a = 1)', 'T'],
      ['a = 1 b c # d', 'T'],
      ['a = 1 #', 'X'],
      ['a = 1 NOT b', 'X'],
      ['a = 1 IS b', 'X'],
      ['a = 1 AND', 'X'],
      ["a IN ('1',)", 'X'],
      ["a IN ('1'", 'X'],
      ["a IN ('1') -- a comment\n AND b = 2", 'T'],
      ["a IN ('1') -- no comment AND b = 3", 'T'],
      ['a/* 1 **/=/**/1', 'T'],
      ['a = 1and b=2', 'T'],
      ['a = 01', 'F'],
      ['a = 1l', 'T'],
      ['', 'X'],
      [' \t\n', 'X'],
    ],
    { a: '1', b: '2' },
  )
})

test('what can never be compared is an error of the expression', () => {
  assertAnswers(
    [
      ["a > '1'", 'X'],
      ['a > TRUE', 'X'],
      ['a > (b = 1)', 'X'],
      ['a = NULL', 'X'],
      ['a BETWEEN 5 AND 1', 'X'],
      ['a NOT BETWEEN 5 AND 1', 'T'],
      ["a BETWEEN 'a' AND 'b'", 'X'],
      ["1 IN ('1')", 'X'],
      ["'1' AND a = 1", 'X'],
      ['1', 'X'],
      ['-a', 'X'],
      ['a = 0.0', 'X'],
      ['a = 1e400', 'X'],
      ['a = 9223372036854775808', 'X'],
    ],
    { a: '1' },
  )
})

test('an expression of any size is read or refused in time, and too deep a one is refused', () => {
  const longest = 20_000
  const chain = Array.from({ length: longest }, (_, i) => `a = ${i}`)
  assert.equal(answer(chain.join(' OR '), formatProperties({ a: '19999' })), 'T')
  assert.equal(answer(chain.join(' AND '), formatProperties({ a: '1' })), 'F')
  for (const opening of ['(', 'NOT ', '- ', '+', 'NOT (', '((a = 1) AND ']) {
    assert.equal(answer(opening.repeat(longest), ''), 'X', opening)
  }
  assert.equal(
    answer(`${'('.repeat(100)}a = 1${')'.repeat(100)}`, formatProperties({ a: '1' })),
    'T',
  )
  assert.equal(answer(`a${' = 1'.repeat(longest)}`, ''), 'X')
  assert.equal(answer(`a = ${'9'.repeat(longest)}`, ''), 'X')
  assert.equal(answer(`a = '${"''".repeat(longest)}`, ''), 'X')
})

test('the last expressions are kept, those before are read again', () => {
  const kept = new CompiledExpressions()
  const first = kept.get('SQL92', 'a = 0')
  assert.equal(kept.get('SQL92', 'a = 0'), first)
  for (let i = 1; i <= 100; i++) kept.get('SQL92', `a = ${i}`)
  assert.notEqual(kept.get('SQL92', 'a = 0'), first)
  assert.equal(typeof kept.get('XPATH', 'a = 0'), 'string')
})
