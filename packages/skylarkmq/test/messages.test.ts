import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run, serverFor } from './command-line.ts'

const LINE = /^[0-9A-F]{32} {2}broker \S+ {2}queue \d+ {2}offset \d+$/

test('send prints a line for each message, with its id and its place', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const { code, out, error } = await run('send', 'Many', 'b', '--count', '3', '-n', namesrvAddr)
  assert.equal(code, 0)
  assert.equal(error, '')
  const lines = out.trimEnd().split('\n')
  assert.equal(lines.length, 3)
  for (const line of lines) assert.match(line, LINE)
  assert.equal(new Set(lines.map((line) => line.split(' ')[0])).size, 3)
})

test('what send was given, consume prints: place, tag and keys as text, everything as JSON', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const from = ['-n', namesrvAddr, '--from', 'first', '--count', '1']
  const sent = await run(
    ...['send', 'Orders', 'paid = 7', '-n', namesrvAddr, '--tag', 'paid', '--keys', 'k1 k2'],
    ...['--property', 'region=eu', '--property', 'empty=a=b'],
  )
  assert.equal(sent.code, 0)
  const [id] = sent.out.split(' ')
  const text = await run('consume', 'Orders', ...from)
  assert.equal(text.code, 0)
  assert.match(text.out, /^\S+\/\d\/0 {2}tag paid {2}keys k1 k2 {2}paid = 7\n$/)
  const json = await run('consume', 'Orders', ...from, '--json')
  const message = JSON.parse(json.out) as Record<string, unknown>
  assert.equal(message['msgId'], id)
  assert.equal(message['body'], 'paid = 7')
  assert.equal(message['topic'], 'Orders')
  assert.equal(message['tag'], 'paid')
  assert.deepEqual(message['keys'], ['k1', 'k2'])
  const properties = message['properties'] as Record<string, string>
  assert.equal(properties['region'], 'eu')
  assert.equal(properties['empty'], 'a=b')
})

test('a tag leaves out what has another, and a time what was stored before it', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  for (const tag of ['a', 'b', 'c']) {
    await run('send', 'Tagged', `of ${tag}`, '--tag', tag, '-n', namesrvAddr)
  }
  const look = ['consume', 'Tagged', '-n', namesrvAddr, '--json']
  const two = await run(...look, '--from', 'first', '--tag', 'a || c', '--count', '2')
  const messages = two.out.trimEnd().split('\n')
  const bodies = messages.map((line) => (JSON.parse(line) as { body: string }).body)
  assert.deepEqual(bodies.sort(), ['of a', 'of c'])
  const born = await run(...look, '--from', '2001-01-31T12:00', '--count', '3')
  assert.equal(born.out.trimEnd().split('\n').length, 3)
})

test('a group gets a message once: a second member continues behind it', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const member = ['consume', 'Shared', '--group', 'audit', '--from', 'first', '--count', '1']
  const read: string[] = []
  for (const body of ['one', 'two']) {
    await run('send', 'Shared', body, '-n', namesrvAddr)
    const { code, out } = await run(...member, '-n', namesrvAddr)
    assert.equal(code, 0)
    read.push(out.trimEnd().split('  ').at(-1) ?? '')
  }
  assert.deepEqual(read, ['one', 'two'])
})

test('what cannot be sent or read ends with its exit code, a sentence and advice, and prints nothing else', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const wrong: readonly (readonly [number, ...string[]])[] = [
    [2, 'send', 'a b', 'text', '-n', namesrvAddr],
    [3, 'consume', 'NotThere', '-n', namesrvAddr],
    [2, 'send', 'T', 'text', '-n', 'no-port'],
    [4, 'send', 'T', 'text', '-n', '127.0.0.1:1'],
    [2, 'consume', 'T', '--group', 'a b', '-n', namesrvAddr],
  ]
  for (const [wanted, ...args] of wrong) {
    const { code, out, error } = await run(...args)
    assert.equal(code, wanted, args.join(' '))
    assert.equal(out, '')
    assert.match(error, /^error .+\n.+/, args.join(' '))
    assert.doesNotMatch(error, /^ {4}at /m, args.join(' '))
  }
})
