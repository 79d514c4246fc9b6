import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStrict, port } from '../src/commands/server-flags.ts'
import { VERSION } from '../src/version.ts'
import { run } from './command-line.ts'

test('the help of the program and of each command lists its commands and flags with code 0', async () => {
  const whole = await run('--help')
  assert.equal(whole.code, 0)
  for (const name of ['start', 'namesrv', 'broker', 'send', 'consume', 'store', 'config']) {
    assert.match(whole.out, new RegExp(`^  ${name}\\b`, 'm'))
  }
  const flags: Record<string, readonly string[]> = {
    start: ['--namesrv-port', '--broker-port', '--ephemeral', '--ready-file', '--strict'],
    namesrv: ['--port', '--set'],
    broker: ['--port', '--namesrv-addr'],
    send: ['--tag', '--keys', '--property', '--count', '--delay', '--namesrv-addr'],
    consume: ['--from', '--group', '--tag', '--count', '--json'],
    'store check': ['--fast', '--json', '--config'],
    'store inspect': ['--from', '--count', '--topic', '--queue', '--key'],
    'store repair': ['--apply', '--truncate', '--all', '--discard-old'],
    'config check': ['--namesrv', '--json'],
  }
  for (const [command, wanted] of Object.entries(flags)) {
    const { code, out } = await run(...command.split(' '), '--help')
    assert.equal(code, 0, command)
    for (const flag of wanted) assert.ok(out.includes(flag), `${command}: ${flag}`)
  }
})

test('--version prints the version and nothing else', async () => {
  assert.deepEqual(await run('--version'), { code: 0, out: `${VERSION}\n`, error: '' })
})

test('a command that does not exist is refused, with the one that was meant', async () => {
  const { code, out, error } = await run('consum')
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.match(error, /unknown command 'consum'/)
  assert.match(error, /Did you mean consume\?/)
})

test('a flag of the wrong form ends with code 2 and what it must be, before anything is tried', async () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['start', '--broker-port', '65536'], /from 0 to 65535/],
    [['start', '--namesrv-port', 'x'], /from 0 to 65535/],
    [['namesrv', '--port', '-1'], /from 0 to 65535/],
    [['start', '--log', 'xml'], /Allowed choices are json, pretty/],
    [['broker', '--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
    [['send', 'T', 'b', '--count', '0'], /whole number from 1 on/],
    [['send', 'T', 'b', '--property', '=v'], /name=value/],
    [['send', 'T', 'b', '--delay', '19'], /from 0 to 18/],
    [['send', 'T'], /missing required argument 'body'/],
    [['consume', 'T', '--from', 'yesterday'], /It must be a time/],
    [['consume', 'T', '--count', '1.5'], /whole number from 1 on/],
    [['store', 'inspect', '.', 'records', '--from', '-1'], /whole number from 0 on/],
    [['store', 'inspect', '.', 'nothing'], /Allowed choices are summary, records/],
    [['config', 'check'], /missing required argument 'file'/],
    [['send', 'T', 'b', '--unknown'], /unknown option '--unknown'/],
  ]
  for (const [args, says] of wrong) {
    const { code, out, error } = await run(...args)
    assert.equal(code, 2, args.join(' '))
    assert.equal(out, '')
    assert.match(error, says)
  }
})

test('a port is read as a number, 0 and 65535 included', () => {
  assert.deepEqual(['0', '9876', '65535'].map(port), [0, 9876, 65535])
})

test('unknown keys are refused by the flag or by the environment, which says so in the usual words', () => {
  const flags = { log: 'pretty', logLevel: 'info' } as const
  for (const word of ['1', 'true', 'YES', ' on ']) assert.equal(isStrict(flags, word), true)
  for (const word of [undefined, '', '0', 'false', 'no', 'Off']) {
    assert.equal(isStrict(flags, word), false)
    assert.equal(isStrict({ ...flags, strict: true }, word), true)
  }
  assert.throws(() => isStrict(flags, 'maybe'), /SKYLARK_STRICT.*"maybe"/)
})
