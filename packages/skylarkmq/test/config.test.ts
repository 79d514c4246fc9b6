import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { folderFor, run } from './command-line.ts'

test('a valid file ends with code 0, and keys without effect are listed', async (t) => {
  const file = path.join(folderFor(t), 'broker.conf')
  writeFileSync(file, 'brokerName=a\nmappedFileSizeCommitLog=1048576\n')
  const { code, out } = await run('config', 'check', file)
  assert.equal(code, 0)
  assert.ok(out.endsWith(`${file}: 0 unknown keys, 0 bad values, 0 keys without effect\n`))
})

test('unknown keys and bad values end with code 1, each with its line, as text and as JSON', async (t) => {
  const file = path.join(folderFor(t), 'broker.conf')
  writeFileSync(file, 'brokerName=a\nbrokerNmae=b\nmaxMessageSize=many\nbrokerName=c\n')
  const text = await run('config', 'check', file)
  assert.equal(text.code, 1)
  assert.match(text.out, /^unknown key {2}line 2, brokerNmae: /m)
  assert.match(text.out, /^bad value {2}line 3, maxMessageSize: /m)
  assert.match(text.out, /^repeated {2}line \d, brokerName: /m)
  assert.match(text.out, /: 1 unknown key, 1 bad value, /)
  const json = await run('config', 'check', file, '--json')
  assert.equal(json.code, 1)
  const report = JSON.parse(json.out) as { isSound: boolean; file: string; notes: object[] }
  assert.equal(report.isSound, false)
  assert.equal(report.file, file)
  assert.equal(report.notes.length, text.out.trimEnd().split('\n').length - 1)
})

test('a key of a broker is unknown to a name server, and the other way round', async (t) => {
  const file = path.join(folderFor(t), 'namesrv.conf')
  writeFileSync(file, 'kvConfigPath=/tmp/kv.json\n')
  assert.equal((await run('config', 'check', file, '--namesrv')).code, 0)
  writeFileSync(file, 'maxMessageSize=1048576\n')
  assert.equal((await run('config', 'check', file)).code, 0)
  assert.equal((await run('config', 'check', file, '--namesrv')).code, 1)
})

test('a file that cannot be read ends with code 2, a sentence, and its path', async (t) => {
  const file = path.join(folderFor(t), 'missing.conf')
  const { code, out, error } = await run('config', 'check', file)
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.ok(error.startsWith('error ') && error.includes(file))
})
