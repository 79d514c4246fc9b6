import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPropertiesText, parsePropertiesText } from '../../src/bodies/properties-text.ts'

test('options are written one a line, sorted', () => {
  assert.equal(
    formatPropertiesText(
      new Map([
        ['b', '2'],
        ['a', '1'],
      ]),
    ),
    'a=1\nb=2\n',
  )
  assert.equal(formatPropertiesText({ x: '' }), 'x=\n')
})

// Reference: the documentation of `java.util.Properties`, load.
test('a properties file is read as Java reads it', () => {
  const text = [
    '# comment',
    '! comment',
    '',
    '  a = 1 ',
    'b:2',
    'c 3',
    'd',
    'e = one, \\',
    '    two',
    'f\\=g = h\\u0041\\t\\q',
    'path=C:\\\\temp',
    'note=5 # part of the value',
    'a=last',
  ].join('\r\n')
  assert.deepEqual(Object.fromEntries(parsePropertiesText(text)), {
    a: 'last',
    b: '2',
    c: '3',
    d: '',
    e: 'one, two',
    'f=g': 'hA\tq',
    path: 'C:\\temp',
    note: '5 # part of the value',
  })
})

test('what was written is read again', () => {
  const options = { brokerName: 'broker-a', namesrvAddr: '127.0.0.1:9876;127.0.0.1:9877', x: '' }
  assert.deepEqual(Object.fromEntries(parsePropertiesText(formatPropertiesText(options))), options)
})
