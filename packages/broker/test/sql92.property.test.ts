import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProperties, formatProperties } from '@skylarkmq/protocol'
import fc from 'fast-check'
import { javaDouble, javaInt, javaLong } from '../src/filter/sql92/java-number.ts'
import { SqlExpression } from '../src/filter/sql92/sql-expression.ts'

const SEED = 48_151
const options = { seed: SEED, numRuns: 300 }

const name = fc.constantFrom('a', 'b', 'c', 'd')
const value = fc.oneof(
  fc.constantFrom('', '1', '2', '1.5', 'x', 'true', '-0', 'NaN', '3000000000'),
  fc.integer().map(String),
  fc.double().map(String),
  fc.string(),
)
const properties = fc.dictionary(name, value)
const literal = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom('1.5', '.25', '3000000000', '-1', '+2'),
)
const text = fc.string().map((inner) => `'${inner.replaceAll("'", "''")}'`)
const atom = fc.oneof(
  fc
    .tuple(name, fc.constantFrom('=', '<>', '<', '<=', '>', '>='), literal)
    .map((all) => all.join(' ')),
  fc.tuple(name, fc.constantFrom('=', '<>'), text).map((all) => all.join(' ')),
  fc
    .tuple(name, fc.constantFrom('CONTAINS', 'startswith', 'NOT ENDSWITH'), text)
    .map((all) => all.join(' ')),
  fc
    .tuple(name, fc.constantFrom('IN', 'not in'), text, text)
    .map(([a, b, c, d]) => `${a} ${b} (${c},${d})`),
  name.map((each) => `${each} IS NULL`),
  fc.tuple(name, fc.nat(9)).map(([each, low]) => `${each} BETWEEN ${low} AND ${low + 3}`),
)
const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc
      .tuple(tie('condition'), fc.constantFrom('AND', 'or'), tie('condition'))
      .map((all) => `(${all.join(' ')})`),
    tie('condition').map((each) => `NOT (${each})`),
  ),
}))

function matches(expression: string, of: Record<string, string>): boolean {
  const compiled = SqlExpression.compile(expression)
  assert.ok(typeof compiled !== 'string', `${expression} can be read`)
  return compiled.matchesProperties(Buffer.from(formatProperties(of)))
}

test('any text is read or refused, never thrown on, whatever the properties are', () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each))
  const words = fc.constantFrom(
    'a',
    '1',
    "'",
    'NOT',
    'AND',
    '(',
    ')',
    '=',
    '<',
    '>',
    'IN',
    'IS',
    '--',
    '/*',
    ' ',
    '\n',
  )
  const soup = fc.array(words, { maxLength: 12 }).map((all) => all.join(' '))
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), soup, condition),
      bytes,
      (expression, encoded) => {
        const compiled = SqlExpression.compile(expression)
        if (typeof compiled !== 'string') compiled.matchesProperties(encoded)
      },
    ),
    options,
  )
})

test('an expression and its opposite never both match', () => {
  fc.assert(
    fc.property(condition, properties, (expression, of) => {
      assert.ok(!(matches(expression, of) && matches(`NOT (${expression})`, of)))
      assert.equal(matches(`NOT (NOT (${expression}))`, of), matches(expression, of))
    }),
    options,
  )
})

test('AND matches when both do; OR when one does, unless the first fails to be evaluated', () => {
  fc.assert(
    fc.property(condition, condition, properties, (left, right, of) => {
      assert.equal(matches(`${left} AND ${right}`, of), matches(left, of) && matches(right, of))
      if (matches(left, of)) assert.ok(matches(`(${left}) OR ${right}`, of))
      else if (matches(`(${left}) OR (${right})`, of)) assert.ok(matches(right, of))
    }),
    options,
  )
})

test('blanks, comments and brackets change nothing', () => {
  const gap = fc.constantFrom(' ', '\n', '\t ', ' /* * / */ ', ' -- "\n', '\f')
  fc.assert(
    fc.property(condition, gap, properties, (expression, between, of) => {
      const other = `${between}((${between}${expression}${between}))${between}`
      assert.equal(matches(other, of), matches(expression, of))
    }),
    options,
  )
})

test('what an expression sees of encoded properties is what decoding them all gives', () => {
  const piece = fc.stringMatching(/^[ab\u0001]{0,4}$/)
  const encoded = fc.array(piece).map((all) => Buffer.from(all.join('\u0002')))
  fc.assert(
    fc.property(encoded, (bytes) => {
      const decoded = decodeProperties(bytes)
      for (const each of ['a', 'b', 'ab']) {
        const known = decoded.get(each)
        const expression = known === undefined ? `${each} IS NULL` : `${each} = '${known}'`
        const compiled = SqlExpression.compile(expression)
        assert.ok(typeof compiled !== 'string' && compiled.matchesProperties(bytes), expression)
      }
    }),
    options,
  )
})

test('numbers are read as Java writes them', () => {
  const long = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
  fc.assert(
    fc.property(fc.integer(), fc.bigInt(long), fc.double(), (int, big, double) => {
      assert.equal(javaInt(String(int)), int)
      assert.equal(BigInt(javaLong(String(big)) ?? 0), big)
      const written = Object.is(double, -0) ? '-0.0' : String(double)
      assert.ok(Object.is(javaDouble(written), double), written)
    }),
    options,
  )
})

// Reference: `Double.toHexString` of Java prints a double in this form.
test('a double in hexadecimal is read to the bit', () => {
  const view = new DataView(new ArrayBuffer(8))
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
      view.setFloat64(0, double)
      const bits = view.getBigUint64(0)
      const exponent = Number((bits >> 52n) & 0x7ffn)
      const fraction = (bits & (2n ** 52n - 1n)).toString(16).padStart(13, '0')
      const sign = bits >> 63n === 1n ? '-' : ''
      const text = exponent === 0 ? `0x0.${fraction}p-1022` : `0x1.${fraction}p${exponent - 1023}`
      assert.ok(Object.is(javaDouble(sign + text), double), sign + text)
    }),
    options,
  )
})
