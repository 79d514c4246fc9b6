import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../../src/errors.ts'
import { parseFastjson } from '../../src/json/parse-fastjson.ts'
import {
  stringifyFastjson,
  stringifyPretty,
  stringifyStandard,
} from '../../src/json/stringify-fastjson.ts'
import { anyText, seeded } from '../support/seeded.ts'

test('values come back from each form', () => {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.oneof(
        fc.integer(),
        fc.boolean(),
        anyText(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
      ),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(anyText(6), tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }))
  const property = fc.property(value, (any) => {
    const expected = JSON.parse(JSON.stringify(any)) as unknown
    for (const write of [stringifyFastjson, stringifyStandard, stringifyPretty]) {
      assert.deepEqual(parseFastjson(write(any)), expected)
    }
    // The tolerant reader, too, reads what is standard.
    const tolerant = parseFastjson(`{x:${stringifyFastjson(any)},}`) as { x: unknown }
    assert.deepEqual(tolerant.x, expected)
  })
  fc.assert(property, seeded(300))
})

// Reference: observed on Apache 5.3.3, which reads with fastjson 1.
test('what fastjson tolerates is read', () => {
  assert.deepEqual(parseFastjson(`{a:1,'b':"x",0:'y',}`), { a: 1, b: 'x', 0: 'y' })
  assert.deepEqual(parseFastjson('{"a":[1,,2,],}'), { a: [1, 2] })
  assert.deepEqual(parseFastjson(`['\\x41\\u0042\\'',-1.5e3,true,null]`), [
    "AB'",
    -1500,
    true,
    null,
  ])
  assert.deepEqual(
    parseFastjson('{{"brokerName":"b","queueId":0,"topic":"t"}:5}'),
    new Map([[{ brokerName: 'b', queueId: 0, topic: 't' }, 5]]),
  )
  assert.deepEqual(Object.keys(parseFastjson('{__proto__:1}') as object), ['__proto__'])
})

test('what is not JSON is a ProtocolError that says where', () => {
  for (const text of [
    '',
    '{',
    '[',
    '{a}',
    '{a:}',
    '{a:1 b:2}',
    '[1 2]',
    '"x',
    "'",
    '{"a":tru}',
    '[1]x',
    '"\\u12"',
    '{,:1}',
  ]) {
    assert.throws(() => parseFastjson(text), ProtocolError, text)
  }
  assert.throws(() => parseFastjson('{a:[1 2]}'), { message: /JSON at 6: expected , or ]/ })
})

test('nesting without end is refused, not followed', () => {
  assert.throws(() => parseFastjson('{a:'.repeat(100_000)), ProtocolError)
  assert.throws(() => parseFastjson(`{a:${'['.repeat(1_000_000)}`), ProtocolError)
})

test('names are sorted, absent values left out, and names of maps bare when they are numbers', () => {
  const value = {
    b: undefined,
    c: null,
    a: new Map<unknown, unknown>([
      [1, 'x'],
      [0, 'y'],
    ]),
    B: new Set(['q']),
  }
  assert.equal(stringifyFastjson(value), '{"B":["q"],"a":{1:"x",0:"y"}}')
  assert.equal(stringifyStandard(value), '{"B":["q"],"a":{"0":"y","1":"x"}}')
  assert.equal(stringifyFastjson(12n), '12')
})

test('control characters are escaped, also those above ASCII, and all but ASCII in the standard form', () => {
  assert.equal(stringifyFastjson('a\x01"\x7f\u2028é'), '"a\\u0001\\"\\u007F\\u2028é"')
  assert.equal(stringifyStandard('é😀'), '"\\u00E9\\uD83D\\uDE00"')
})

// Reference: config/delayOffset.json and config/consumerOffset.json as Apache 5.3.3 writes them.
test('the form of the files in config is that of Apache', () => {
  const value = {
    offsetTable: new Map<unknown, unknown>([
      [1, 5],
      [2, 1],
    ]),
    dataVersion: { counter: 17, stateVersion: 0 },
    empty: {},
  }
  assert.equal(
    stringifyPretty(value),
    '{\n\t"dataVersion":{\n\t\t"counter":17,\n\t\t"stateVersion":0\n\t},\n\t"empty":{},\n\t"offsetTable":{1:5,2:1\n\t}\n}',
  )
})

test('two to the sixty-third is written as the greatest long of Java', () => {
  assert.equal(
    stringifyFastjson({ a: 2 ** 63, b: 2 ** 53 }),
    '{"a":9223372036854775807,"b":9007199254740992}',
  )
})
