import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineEvent } from '@skylarkmq/env'
import { logEvents } from '../src/log.ts'

const registered = defineEvent({
  name: 'namesrv.broker.registered',
  level: 'info',
  fields: { broker: 'its name' },
  says: 'the broker {broker} registered',
})

function linesOf(format: 'pretty' | 'json', broker: string): string[] {
  const lines: string[] = []
  const log = logEvents({ format, level: 'info', write: (line) => lines.push(line), now: () => 0 })
  log.emit(registered, { broker })
  return lines
}

const FORGED = 'a\r\n10:31:02 error  the disk is full\u001b[2K\u0085\u009b1A\u2028\u2029\u202e'

test('whatever a peer calls itself, an event is one line without anything that a terminal obeys', () => {
  for (const format of ['pretty', 'json'] as const) {
    const [line = '', ...more] = linesOf(format, FORGED)
    assert.deepEqual(more, [])
    assert.match(line, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, format)
  }
})

test('a JSON line says what the value was', () => {
  const [line = ''] = linesOf('json', FORGED)
  assert.equal((JSON.parse(line) as { broker: string }).broker, FORGED)
})

test('a value of a mebibyte makes a line of some kibibytes', () => {
  for (const format of ['pretty', 'json'] as const) {
    const [line = ''] = linesOf(format, 'x\n'.repeat(512 * 1024))
    assert.ok(line.length < 10_000, format)
    assert.match(line, /more characters/)
  }
})

test('an event that occurs ten thousand times is logged a hundred times, with a count of the others', () => {
  for (const format of ['pretty', 'json'] as const) {
    const lines: string[] = []
    let now = 1_000_000
    const log = logEvents({
      format,
      level: 'info',
      write: (line) => lines.push(line),
      now: () => now,
    })
    for (let i = 0; i < 10_000; i++) log.emit(registered, { broker: `b${i}` })
    assert.equal(lines.length, 100)
    now += 10_000
    log.emit(registered, { broker: 'later' })
    assert.equal(lines.length, 102)
    assert.match(lines[100] ?? '', /9900 more of namesrv\.broker\.registered/)
    assert.match(lines[101] ?? '', /later/)
    for (let i = 0; i < 200; i++) log.emit(registered, { broker: `b${i}` })
    // A clock that is set back keeps nothing untold.
    now -= 3_600_000
    log.emit(registered, { broker: 'back' })
    assert.match(lines.at(-2) ?? '', /101 more of/)
    assert.match(lines.at(-1) ?? '', /back/)
  }
})
