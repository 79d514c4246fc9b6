import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  appendProperty,
  changeProperties,
  decodeProperties,
  encodeProperties,
  findProperty,
  hasProperty,
  isReservedProperty,
  parseProperties,
  propertyText,
} from '../../src/message/properties.ts'
import { propertyPart, seeded } from '../support/seeded.ts'

const entries = fc.array(fc.tuple(propertyPart, propertyPart), { maxLength: 12 })

test('properties come back from their bytes, with and without the last separator', () => {
  const property = fc.property(entries, (pairs) => {
    const map = new Map(pairs)
    const bytes = encodeProperties(map)
    assert.deepEqual(decodeProperties(bytes), map)
    assert.deepEqual(decodeProperties(bytes.subarray(0, Math.max(0, bytes.length - 1))), map)
  })
  fc.assert(property, seeded())
})

test('a property is found in the bytes exactly where decoding finds it', () => {
  // Few letters, so that names are often parts of other names and come twice.
  const soup = fc.string({ unit: fc.constantFrom('a', 'b', '\x01', '\x02', '消'), maxLength: 30 })
  const property = fc.property(soup, fc.constantFrom('a', 'b', 'ab', 'aa', '消'), (text, name) => {
    const bytes = Buffer.from(text, 'utf8')
    const value = parseProperties(text).get(name)
    assert.equal(propertyText(bytes, name), value)
    assert.equal(hasProperty(bytes, Buffer.from(name)), value !== undefined)
  })
  fc.assert(property, seeded(2000))
})

test('changing properties in the bytes is changing them in the map', () => {
  const property = fc.property(entries, entries, fc.array(propertyPart), (pairs, set, remove) => {
    const bytes = encodeProperties(new Map(pairs))
    const removed = remove.map((name) => [name, undefined] as const)
    const changes: Record<string, string | undefined> = Object.fromEntries([...removed, ...set])
    const expected = new Map(pairs)
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) expected.delete(name)
      else expected.set(name, value)
    }
    assert.deepEqual(decodeProperties(changeProperties(bytes, changes)), expected)
    assert.deepEqual(decodeProperties(changeProperties(bytes.subarray(0, -1), changes)), expected)
  })
  fc.assert(property, seeded())
})

test('an appended property comes last and mends a missing separator', () => {
  assert.equal(appendProperty(Buffer.from('a\x01b'), 'c', 'd').toString(), 'a\x01b\x02c\x01d\x02')
  assert.equal(
    appendProperty(Buffer.from('a\x01b\x02'), 'c', 'd').toString(),
    'a\x01b\x02c\x01d\x02',
  )
  assert.equal(appendProperty(Buffer.alloc(0), 'c', 'd').toString(), 'c\x01d\x02')
})

test('of a name that comes twice the last value holds', () => {
  const bytes = Buffer.from('UNIQ_KEY\x01one\x02X\x01y\x02UNIQ_KEY\x01two\x02')
  assert.equal(propertyText(bytes, 'UNIQ_KEY'), 'two')
  assert.deepEqual(findProperty(bytes, 'UNIQ_KEY', 0, 13), { start: 9, end: 12 })
})

test('a long text of separators costs one pass', () => {
  const text = '\x02'.repeat(2_000_000) + 'a\x01b\x02'
  assert.deepEqual([...parseProperties(text)], [['a', 'b']])
})

test('names that RocketMQ gives a meaning are reserved', () => {
  assert.ok(isReservedProperty('UNIQ_KEY'))
  assert.ok(isReservedProperty('1ST_POP_TIME'))
  assert.ok(!isReservedProperty('mine'))
})
