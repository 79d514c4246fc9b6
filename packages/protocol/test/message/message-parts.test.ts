import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { ProtocolError } from '../../src/errors.ts'
import {
  compressBody,
  compressionSysFlag,
  compressionTypeOf,
  restoreBody,
  setBodyCodec,
} from '../../src/message/compression.ts'
import { crc32, crc32Positive } from '../../src/message/crc32.ts'
import { hostBytes, hostText, parseHostAndPort } from '../../src/message/host.ts'
import { javaHash, javaHashOfBytes, tagsCode } from '../../src/message/java-hash.ts'
import {
  readInt,
  readLong,
  readShort,
  writeInt,
  writeLong,
  writeShort,
} from '../../src/message/long.ts'
import { decodeBatch, encodeBatch } from '../../src/message/message-batch.ts'
import {
  createOffsetMsgId,
  createOffsetMsgIds,
  createUniqKey,
  monthStartMs,
  parseOffsetMsgId,
  parseUniqKey,
} from '../../src/message/message-id.ts'
import { anyText, seeded } from '../support/seeded.ts'

test('CRC-32 is that of zlib for every length, place and seed', () => {
  const property = fc.property(
    fc.uint8Array({ minLength: 100, maxLength: 900 }),
    fc.nat(40),
    fc.nat(40),
    fc.nat(0xffffffff),
    (array, head, tail, seed) => {
      const start = Math.min(head, array.length)
      const end = Math.max(start, array.length - tail)
      const expected = zlibCrc32(array.subarray(start, end), seed)
      assert.equal(crc32(array, start, end, seed), expected)
      assert.equal(
        crc32Positive(array, start, end),
        zlibCrc32(array.subarray(start, end)) & 0x7fffffff,
      )
    },
  )
  fc.assert(property, seeded())
})

test('the hash of text is that of Java, on strings and on their bytes', () => {
  assert.equal(javaHash('hello'), 99162322)
  assert.equal(javaHash('polygenelubricants'), -2147483648)
  assert.equal(tagsCode(''), 0)
  const property = fc.property(anyText(), anyText(3), (text, before) => {
    const bytes = Buffer.from(before + text, 'utf8')
    assert.equal(javaHashOfBytes(bytes, Buffer.byteLength(before), bytes.length), javaHash(text))
  })
  fc.assert(property, seeded())
})

test('numbers come back from their bytes, and are those that Java writes', () => {
  const buffer = Buffer.alloc(16)
  const property = fc.property(
    fc.maxSafeInteger(),
    fc.integer(),
    fc.nat(65535),
    (long, int, short) => {
      writeLong(buffer, 0, long)
      writeInt(buffer, 8, int)
      writeShort(buffer, 12, short)
      assert.equal(buffer.readBigInt64BE(0), BigInt(long))
      assert.equal(readLong(buffer, 0), long)
      assert.equal(readInt(buffer, 8), int)
      assert.equal(readShort(buffer, 12), short)
    },
  )
  fc.assert(property, seeded())
})

test('addresses come back from their text', () => {
  assert.deepEqual([...(hostBytes('192.168.0.1') ?? [])], [192, 168, 0, 1])
  assert.deepEqual([...(hostBytes('::ffff:10.0.0.1') ?? [])], [10, 0, 0, 1])
  assert.deepEqual(hostBytes('[::1]'), hostBytes('::1'))
  assert.equal(hostText(hostBytes('[fe80::1%eth0]') ?? Buffer.alloc(0)), 'fe80:0:0:0:0:0:0:1')
  for (const bad of ['[::1', '::1]', '[]']) assert.equal(hostBytes(bad), undefined, bad)
  assert.equal(hostText(hostBytes('fe80::1%eth0') ?? Buffer.alloc(0)), 'fe80:0:0:0:0:0:0:1')
  for (const text of ['', '1.2.3', '1.2.3.256', '1:2', ':::', '1::2::3', 'g::1', '12345::']) {
    assert.equal(hostBytes(text), undefined, text)
  }
  assert.deepEqual(parseHostAndPort('/127.0.0.1:80').port, 80)
  assert.equal(parseHostAndPort('[::1]:9').host.length, 16)
  assert.throws(() => parseHostAndPort('127.0.0.1'), ProtocolError)
  const property = fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (array) => {
    array[0] = 0x20
    assert.deepEqual(hostBytes(hostText(array)), array)
  })
  fc.assert(property, seeded())
})

test('a batch comes back from its bytes, and one that does not add up is a ProtocolError', () => {
  const message = fc.record(
    {
      flag: fc.integer(),
      body: fc.uint8Array({ maxLength: 50 }).map((a) => Buffer.from(a)),
      properties: fc.uint8Array({ maxLength: 50 }).map((a) => Buffer.from(a)),
    },
    { noNullPrototype: true },
  )
  const property = fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
    const bytes = encodeBatch(messages)
    assert.deepEqual(decodeBatch(bytes), messages)
    if (bytes.length > 0) assert.throws(() => decodeBatch(bytes.subarray(0, -1)), ProtocolError)
  })
  fc.assert(property, seeded())
})

// Reference: ids that Apache 5.3.3 gave.
test('ids of messages come back from their text', () => {
  const id = 'FD000000000000000000000000000002630830946E0968C6B3970000'
  const key = parseUniqKey(id)
  assert.ok(key)
  assert.equal(createUniqKey(key), id)
  assert.equal(key.pid, 0x6308)
  assert.deepEqual(parseOffsetMsgId('7F0000010000891C0000000000000010'), {
    host: Buffer.from([127, 0, 0, 1]),
    port: 35100,
    physicalOffset: 16,
  })
  assert.equal(
    createOffsetMsgId(Buffer.from([127, 0, 0, 1]), 35100, 16),
    '7F0000010000891C0000000000000010',
  )
  for (const bad of ['', 'x', '7F0000010000891CFFFFFFFFFFFFFFFF', `${id}00`]) {
    assert.equal(parseOffsetMsgId(bad), undefined)
  }
  assert.equal(parseUniqKey('zz'), undefined)
  const start = monthStartMs(new Date(2026, 10, 21, 10).getTime())
  assert.equal(start, new Date(2026, 10, 1).getTime())
})

test('a compressed body comes back, and by the sysFlag of old clients too', () => {
  const body = Buffer.from('body '.repeat(1000))
  const packed = compressBody(body)
  assert.ok(packed.length < body.length)
  assert.equal(compressionSysFlag('ZLIB'), 0x301)
  assert.deepEqual(restoreBody(packed, 0x301), body)
  assert.deepEqual(restoreBody(packed, 0x1), body)
  assert.equal(restoreBody(packed, 0x300), packed)
  assert.equal(compressionTypeOf(0x701), undefined)
})

test('a body that cannot be restored is a ProtocolError that says why', () => {
  const packed = compressBody(Buffer.alloc(10_000))
  assert.throws(() => restoreBody(packed, 0x301, 9_999), /becomes more than 9999 bytes/)
  assert.throws(() => restoreBody(Buffer.from('xx'), 0x301), /ZLIB body of 2 bytes/)
  assert.throws(() => restoreBody(packed, 0x701), /unknown compression/)
  assert.throws(() => restoreBody(packed, 0x101), /LZ4 body of \d+ bytes cannot be restored/)
})

test('a type of compression from a package works once it is set', () => {
  const reverse = (body: Uint8Array): Buffer => Buffer.from(body).reverse()
  setBodyCodec('LZ4', { compress: reverse, decompress: reverse })
  assert.deepEqual(restoreBody(compressBody(Buffer.from('abc'), 'LZ4'), 0x101), Buffer.from('abc'))
})

test('the ids of several messages are their ids with commas between them', () => {
  const property = fc.property(
    fc.array(fc.integer({ min: 0, max: 2 ** 50 }), { maxLength: 5 }),
    fc.constantFrom(Uint8Array.of(127, 0, 0, 1), new Uint8Array(16).fill(0xfe)),
    (offsets, host) => {
      const each = offsets.map((offset) => createOffsetMsgId(host, 10911, offset))
      assert.equal(createOffsetMsgIds(host, 10911, offsets), each.join(','))
    },
  )
  fc.assert(property, seeded(100))
})
