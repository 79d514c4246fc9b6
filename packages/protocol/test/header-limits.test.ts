import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from '../src/errors.ts'
import { decodeCommand } from '../src/frame/decode-command.ts'
import { FrameDecoder } from '../src/frame/frame-decoder.ts'
import { writeCommand } from '../src/frame/frame-encoder.ts'
import { ByteSink } from '../src/frame/byte-sink.ts'
import { parseFastjson } from '../src/json/parse-fastjson.ts'
import type { RemotingCommand } from '../src/frame/remoting-command.ts'

/** A frame of a header alone. */
function frameOf(header: Buffer | string, serialization = 0): Buffer {
  const bytes = Buffer.from(header)
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + bytes.length, 0)
  head.writeInt32BE((serialization << 24) | bytes.length, 4)
  return Buffer.concat([head, bytes])
}

function read(header: Buffer | string, serialization = 0): RemotingCommand | undefined {
  let command: RemotingCommand | undefined
  new FrameDecoder().push(frameOf(header, serialization), (frame) => {
    command = decodeCommand(frame)
  })
  return command
}

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

test('a header of nested lists is refused wherever they stand, also when they would not be read', () => {
  for (const levels of [9, 5000, 300_000]) {
    for (const header of [
      `{"code":34,"remark":${deep(levels)}}`,
      `{"code":34,"extFields":{"topic":${deep(levels)}}}`,
      `{"code":34,"extFields":${deep(levels)}}`,
      `{"code":34,"unknown":${deep(levels)}}`,
      `{'code':34,"unknown":${deep(levels)}}`,
      deep(levels),
    ]) {
      assert.throws(() => read(header), ProtocolError, header.slice(0, 40))
    }
  }
})

test('a value of the header that is not of its type is refused, not asked for a number', () => {
  const odd = '{"toString":1,"valueOf":1}'
  for (const name of ['code', 'language', 'version', 'opaque', 'flag', 'remark']) {
    for (const value of [odd, '[]', '[1]', '{}']) {
      assert.throws(() => read(`{"${name}":${value}}`), ProtocolError, `${name}: ${value}`)
    }
  }
  for (const value of ['[]', '"x"', '7', 'true', '{{}:1}']) {
    assert.throws(() => read(`{"code":1,"extFields":${value}}`), ProtocolError, value)
  }
})

// Reference: fastjson 1.2.83, `StringCodec.java`: a value of a Map<String, String> that is no text is written as JSON.
test('fields that are no text are taken as fastjson takes them, as long as they are shallow', () => {
  const header =
    '{"code":1,"extFields":{"a":1,"b":true,"c":null,"d":{"e":[1,"x"]},"f":"g","h":{{"i":1}:2}}}'
  assert.deepEqual(read(header)?.fields, {
    a: '1',
    b: 'true',
    d: '{"e":[1,"x"]}',
    f: 'g',
    h: '{{"i":1}:2}',
  })
})

test('names of the header count in any case, and the right one before others', () => {
  const command = read(
    '{"CODE":1,"Code":2,"OPAQUE":7,"code":3,"toString":4,"__proto__":{"flag":9}}',
  )
  assert.equal(command?.code, 3)
  assert.equal(command.opaque, 7)
  assert.equal(command.flag, 0)
})

test('a header longer than 1 MiB, or with more than 1024 fields, is refused before it is read', () => {
  const long = `{"code":1,"remark":"${'x'.repeat(1024 * 1024)}"}`
  assert.throws(() => read(long), /header of \d+ bytes/)
  const fields = (count: number): string =>
    `{"code":1,"extFields":{${Array.from({ length: count }, (_, i) => `"${i}":""`).join(',')}}}`
  assert.equal(Object.keys(read(fields(1000))?.fields ?? {}).length, 1000)
  assert.throws(() => read(fields(1024)), /no more than 1024 names/)
  assert.throws(() => read(fields(50_000).replaceAll('"', "'")), /no more than 1024 names/)

  const binary = (count: number): Buffer => {
    const bytes = Buffer.alloc(21 + count * 7)
    bytes.writeInt32BE(count * 7, 17)
    for (let i = 0; i < count; i++) bytes.write(`\0\u0001${'abcdefg'[i % 7] ?? ''}`, 21 + i * 7)
    return bytes
  }
  assert.equal(Object.keys(read(binary(1024), 1)?.fields ?? {}).length, 7)
  assert.throws(() => read(binary(1025), 1), /number of fields/)
})

test('JSON of a body is read to 128 levels, whichever way it is written', () => {
  for (const quote of ['"', "'"]) {
    const text = (levels: number): string => `{${quote}a${quote}:${deep(levels)}}`
    assert.ok(parseFastjson(text(127)))
    for (const levels of [128, 1_000_000]) {
      assert.throws(() => parseFastjson(text(levels)), ProtocolError)
    }
  }
  // Brackets in text are no levels.
  assert.equal(parseFastjson(`'${'['.repeat(500)}'`), '['.repeat(500))
  assert.equal(parseFastjson(`"\\"${'['.repeat(500)}"`), `"${'['.repeat(500)}`)
})

test('a word of many digits is read in one pass', () => {
  assert.throws(() => parseFastjson(`{a:${'1'.repeat(2_000_000)}x}`), ProtocolError)
})

test('a command that cannot be written leaves the sink as it was', () => {
  const sink = new ByteSink()
  writeCommand(sink, { code: 1, opaque: 1 })
  const before = Buffer.from(sink.bytes())
  const body = [Buffer.from('half'), undefined as unknown as Buffer]
  assert.throws(() => {
    writeCommand(sink, { code: 1, opaque: 2, body })
  }, TypeError)
  assert.deepEqual(sink.bytes(), before)
})
