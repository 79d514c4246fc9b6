import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labelProblem, quotedName, resourceProblem } from '../../src/names/safe-name.ts'
import { isLmqTopic } from '../../src/names/topic.ts'

test('a topic or group that could lead a path astray is bad, and odd ones that users have are good', () => {
  const bad = [
    'a/b',
    'a\\b',
    '..',
    '.',
    '../../victim',
    'a\0b',
    'a\nb',
    'a\x1bb',
    'a\x7fb',
    'a\x9bb',
  ]
  for (const name of [...bad, 'x'.repeat(513)]) assert.notEqual(resourceProblem(name), undefined)
  const good = [
    '',
    'a.b',
    '%RETRY%g',
    `%DLQ%${'g'.repeat(255)}`,
    '%RETRY%g+t',
    '主题',
    'a b',
    '...',
  ]
  for (const name of good) assert.equal(resourceProblem(name), undefined)
})

test('client ids, brokers and clusters may have any letters and no control characters', () => {
  const good = ['192.0.2.1@DEFAULT#123@unit', 'fe80::1%eth0@4711', '客户端@1', 'my cluster', 'a/b']
  for (const name of good) assert.equal(labelProblem(name), undefined)
  for (const name of ['a\r\nb', 'a\x1b[31m', 'a\x85b', '\0', 'x'.repeat(1025)]) {
    assert.notEqual(labelProblem(name), undefined)
  }
})

test('a light message queue has a name that can be a folder', () => {
  assert.ok(isLmqTopic('%LMQ%a%b'))
  assert.ok(!isLmqTopic('%LMQ%x/../../../../victim'))
})

test('a bad name is shown short and without control characters', () => {
  assert.equal(quotedName('a\n\x1b\x9b'), '"a\\n\\u001b\\u009b"')
  assert.equal(quotedName('x'.repeat(99)).length, 63)
})
