import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { atEnd, folderFor, serverFor } from './cluster.ts'
import { SKYLARK, skylark } from './skylark.ts'

/** Starts `skylark start` on free ports; resolves once clients can send. */
async function startProcess(
  t: TestContext,
  data: string,
): Promise<{ child: ChildProcess; namesrvAddr: string }> {
  const flags = ['--namesrv-port', '0', '--broker-port', '0', '--data', data]
  const child = spawn(process.execPath, [SKYLARK, 'start', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(t, () => child.kill('SIGKILL'))
  const namesrvAddr = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += String(chunk)
      const address = /name server {2}(\S+)[^]*Stop/.exec(text)?.[1]
      if (address !== undefined) resolve(address)
    })
    child.once('exit', () => {
      reject(new Error(`the server ended: ${text}`))
    })
  })
  return { child, namesrvAddr }
}

test('SIGTERM ends the server with code 0 and a clean store', async (t) => {
  const data = path.join(folderFor(t), 'data')
  const { child, namesrvAddr } = await startProcess(t, data)
  const sent = await skylark(['send', 'T', 'hello', '-n', namesrvAddr])
  assert.equal(sent.code, 0, sent.stderr)
  assert.ok(existsSync(path.join(data, 'abort')))
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
  assert.ok(!existsSync(path.join(data, 'abort')))
})

test('a signal that arrives several times at once, as by npm and timeout, is one request to end', async (t) => {
  const data = path.join(folderFor(t), 'data')
  const { child, namesrvAddr } = await startProcess(t, data)
  const sent = await skylark(['send', 'T', 'hello', '-n', namesrvAddr])
  assert.equal(sent.code, 0, sent.stderr)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) child.kill(signal)
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
  assert.ok(!existsSync(path.join(data, 'abort')))
})

test('a server whose log nobody reads any more keeps running, and stops cleanly', async (t) => {
  const data = path.join(folderFor(t), 'data')
  const { child, namesrvAddr } = await startProcess(t, data)
  child.stdout?.destroy()
  const sent = await skylark(['send', 'T', 'hello', '-n', namesrvAddr])
  assert.equal(sent.code, 0, sent.stderr)
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
  assert.ok(!existsSync(path.join(data, 'abort')))
})

test('what send sends, consume prints: as text, as JSON, and for a group only once', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const at = ['-n', namesrvAddr]
  const options = ['--tag', 'a', '--keys', 'k1 k2', '--property', 'x=1', '--count', '2']
  const sent = await skylark(['send', 'T', 'hello', ...options, ...at])
  assert.equal(sent.code, 0, sent.stderr)
  const lines = sent.stdout.trimEnd().split('\n')
  assert.equal(lines.length, 2)
  for (const line of lines) {
    assert.match(line, /^[0-9A-F]{32,56} {2}broker \S+ {2}queue \d+ {2}offset \d+$/)
  }
  const look = await skylark(['consume', 'T', '--from', 'first', '--count', '2', ...at])
  assert.equal(look.code, 0, look.stderr)
  assert.match(look.stdout, /tag a {2}keys k1 k2 {2}hello/)
  const group = ['consume', 'T', '--group', 'G', '--from', 'first', '--json', '--count']
  const first = await skylark([...group, '2', ...at])
  const bodies = first.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { body: string; keys: string[]; properties: object })
  assert.deepEqual(
    bodies.map(({ body, keys }) => [body, keys]),
    [
      ['hello', ['k1', 'k2']],
      ['hello', ['k1', 'k2']],
    ],
  )
  await skylark(['send', 'T', '-', ...at], { input: 'from standard input' })
  const next = await skylark([...group, '1', ...at])
  assert.match(next.stdout, /"body":"from standard input"/)
})

test('without a name server, send and consume end with code 4, one sentence, and what to do', async () => {
  // Port 1 is one that nobody listens on.
  for (const args of [
    ['send', 'T', 'x'],
    ['consume', 'T'],
    ['consume', 'T', '--group', 'G'],
  ]) {
    const { code, stdout, stderr } = await skylark([...args, '-n', '127.0.0.1:1'])
    assert.equal(code, 4)
    assert.equal(stdout, '')
    assert.match(stderr, /no name server answers at 127\.0\.0\.1:1/)
    assert.match(stderr, /skylark start/)
    assert.ok(!stderr.includes('    at '), stderr)
  }
})

test('consuming a missing topic ends with code 3 and says so', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const { code, stderr } = await skylark(['consume', 'Nowhere', '-n', namesrvAddr])
  assert.equal(code, 3)
  assert.match(stderr, /the topic Nowhere has no route/)
})

test('flags of the wrong form are refused with what they must be', async () => {
  for (const [args, says] of [
    [['send', 'T', 'x', '--count', '0'], /whole number from 1 on/],
    [['send', 'T', 'x', '--delay', '19'], /from 0 to 18/],
    [['send', 'T', 'x', '--property', 'novalue'], /name=value/],
    [['consume', 'T', '--from', 'yesterday'], /It must be a time/],
  ] as const) {
    const { code, stderr } = await skylark(args)
    assert.equal(code, 2)
    assert.match(stderr, says)
  }
})

test('a configuration is checked by one command, which lists everything, and started with unless somebody is strict', async (t) => {
  const folder = folderFor(t)
  const file = path.join(folder, 'broker.conf')
  writeFileSync(file, 'enableProxy=true\nflushDiskTyp=SYNC_FLUSH\ntransientStorePoolSize=5\n')
  const checked = await skylark(['config', 'check', file])
  assert.equal(checked.code, 1)
  assert.match(checked.stdout, /unknown key {2}line 1, enableProxy/)
  assert.match(checked.stdout, /unknown key {2}line 2, flushDiskTyp: .*flushDiskType\?/)
  assert.match(
    checked.stdout,
    /no effect {2}line 3, transientStorePoolSize: there is no memory pool/,
  )
  const { stdout } = await skylark(['config', 'check', file, '--json'])
  const json = JSON.parse(stdout) as { isSound: boolean; notes: { key: string }[] }
  assert.deepEqual([json.isSound, json.notes.length], [false, 3])
  const strict = await skylark(['broker', '-c', file, '--strict', '--data', folder])
  assert.equal(strict.code, 1)
  assert.match(strict.stderr, /broker\.conf, line 1: enableProxy: there is no such key/)

  const server = await serverFor(t, { data: path.join(folder, 'data'), configFile: file })
  await server.stop()
  const names = path.join(folder, 'namesrv.conf')
  writeFileSync(names, 'listenPort=9876\nmaxRegistrationBytes=67108864\nuseTLS=false\n')
  assert.equal((await skylark(['config', 'check', names, '--namesrv'])).code, 0)
  assert.equal((await skylark(['config', 'check', path.join(folder, 'none')])).code, 2)
})
