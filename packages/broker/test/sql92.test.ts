import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatProperties } from '@skylarkmq/protocol'
import { CompiledExpressions } from '../src/filter/compiled-expressions.ts'
import {
  EXPRESSION_LENGTH_MAX,
  PulledExpression,
  SqlExpression,
} from '../src/filter/sql92/sql-expression.ts'
import { withoutComments } from '../src/filter/sql92/without-comments.ts'

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
test('a property is parsed as the type of the number that it is compared with, and matches nothing when that fails', () => {
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

test('a missing property is unknown, and unknown matches neither way', () => {
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

test('an expression ends where it cannot continue, and a possible continuation must be valid', () => {
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

test('a long expression is read, a longer one and a deeper one are refused', () => {
  const chain = Array.from({ length: 1_200 }, (_, i) => `a = ${i}`)
  assert.equal(answer(chain.join(' OR '), formatProperties({ a: '1199' })), 'T')
  assert.equal(answer(chain.join(' AND '), formatProperties({ a: '1' })), 'F')
  const longest = 3_000
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
  const tooLong = SqlExpression.compile(`a = '${'x'.repeat(20_000)}'`)
  assert.equal(tooLong, 'an expression of 20006 characters is longer than 16384')
})

test('an expression of signs alone is looked through once: a look at the rest for each would not end', () => {
  for (const sign of ['-', '--', '/+', "'/+", '- -', ' ', '/', "'"]) {
    const signs = `a = ${sign.repeat(2_000_000 / sign.length)}`
    assert.ok(withoutComments(signs) === signs, sign)
    const longest = signs.slice(0, EXPRESSION_LENGTH_MAX)
    const isRead = typeof SqlExpression.compile(longest) !== 'string'
    assert.equal(isRead, sign === "'", sign)
  }
})

test('comments are blanks where they end, and signs where they do not', () => {
  const cases: [string, string][] = [
    ['a--b\nc', 'a c'],
    ['a--b\rc--d', 'a c--d'],
    ["'--'--b\n'/*'", "'--' '/*'"],
    ['a/*b--\n*/c/*d', 'a c/*d'],
    ["a 'b--\n", "a 'b--\n"],
    ["'it''s--'--\n", "'it''s--' "],
    ['/**/--\n', '  '],
    ['/*/', '/*/'],
  ]
  for (const [expression, expected] of cases) {
    assert.equal(withoutComments(expression), expected, expression)
  }
})

test('many names, and names that come twice, are found as few are', () => {
  const names = Array.from({ length: 40 }, (_, i) => `n${i}`)
  const expression = names.map((each) => `${each} = 'v${each}'`).join(' AND ')
  const all = names.map((each) => `${each}\x01x\x02`).join('')
  const last = names.map((each) => `${each}\x01v${each}\x02${each}\x01\x02`).join('')
  assert.equal(answer(expression, all), 'F')
  assert.equal(answer(expression, all + last), 'T')
  assert.equal(answer(`${expression} AND missing IS NULL`, all + last), 'T')
})

test('values that are long cost no more than their length', () => {
  const many = '1'.repeat(30_000)
  const values = [
    `${many}x`,
    ` ${' '.repeat(30_000)}x`,
    `0x${'f'.repeat(30_000)}`,
    '٣'.repeat(15_000),
  ]
  for (const value of values) {
    for (const expression of ['a > 1', 'a > 3000000000', 'a > 1.5', 'a = a', 'a = TRUE']) {
      const compiled = SqlExpression.compile(expression)
      assert.ok(typeof compiled !== 'string')
      compiled.matchesProperties(Buffer.from(formatProperties({ a: value })))
    }
  }
  assert.equal(answer('a = 7', formatProperties({ a: `${'0'.repeat(30_000)}7` })), 'T')
  assert.equal(
    answer('a = 3000000000', formatProperties({ a: `+${'0'.repeat(30_000)}3000000000` })),
    'T',
  )
  assert.equal(answer('a = 1.0', formatProperties({ a: `0x${'0'.repeat(30_000)}1p0` })), 'T')
})

test('a pull ends where its expression has cost too much', () => {
  const clauses = Array.from({ length: 400 }, (_, i) => `a CONTAINS 'x${i}'`).join(' OR ')
  const compiled = SqlExpression.compile(clauses)
  assert.ok(typeof compiled !== 'string')
  const pulled = new PulledExpression(compiled)
  const properties = Buffer.from(formatProperties({ a: 'y'.repeat(30_000) }))
  let tested = 0
  while (!pulled.isSpent) {
    compiled.matchesProperties(properties)
    tested++
  }
  assert.ok(tested < 10, `${tested} messages`)
  assert.equal(new PulledExpression(compiled).isSpent, false)
})

test('the last expressions are kept, those before are read again', () => {
  const kept = new CompiledExpressions()
  const first = kept.get('SQL92', 'a = 0')
  assert.equal(kept.get('SQL92', 'a = 0'), first)
  for (let i = 1; i <= 100; i++) kept.get('SQL92', `a = ${i}`)
  assert.notEqual(kept.get('SQL92', 'a = 0'), first)
  assert.equal(typeof kept.get('XPATH', 'a = 0'), 'string')
})
