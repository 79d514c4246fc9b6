import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineEvent, sentenceOf } from '../src/events.ts'
import { printable, printableJson } from '../src/printable.ts'

const ODD = [
  '\u0000',
  '\u001b',
  '\u007f',
  '\u0085',
  '\u009b',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\ufeff',
  '\ud800',
  '\u{e0001}',
]

test('what a terminal would obey or a reader would not see is shown by its number', () => {
  assert.equal(printable('a\nb\r\tc'), 'a\\nb\\r\\tc')
  assert.equal(printable('\u001b[2J\u009b31m'), '\\u{1b}[2J\\u{9b}31m')
  assert.equal(printable('Grüße 日本語 😀'), 'Grüße 日本語 😀')
  for (const each of ODD) assert.match(printable(`a${each}b`), /^a\\u\{[0-9a-f]+\}b$/)
})

test('of long text the beginning is shown', () => {
  assert.equal(printable('x'.repeat(10), 4), 'xxxx… (6 more characters)')
  assert.equal(printable('x'.repeat(100_000)).length < 2100, true)
})

test('JSON that was made printable means the same', () => {
  const value = { text: ODD.join('') + 'ü😀', [`name${ODD.join('')}`]: 1 }
  const json = printableJson(JSON.stringify(value))
  assert.deepEqual(JSON.parse(json), value)
  assert.match(json, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u)
})

test('the values of an event make one line, though they would rather make several', () => {
  const definition = defineEvent({
    name: 'x',
    level: 'warn',
    fields: { who: '' },
    says: 'closed {who}: {who}',
  })
  const sentence = sentenceOf(definition, {
    who: 'me\n10:00:00 error  all is lost\u001b[0m $& {who}',
  })
  assert.equal(sentence.includes('\n'), false)
  assert.equal(sentence.includes('\u001b'), false)
  assert.match(sentence, /me\\n10:00:00 error {2}all is lost/)
})
