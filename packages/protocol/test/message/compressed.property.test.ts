import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { BodyTooLarge, ProtocolError } from '../../src/errors.ts'
import { decodeLz4Frame } from '../../src/message/compressed/lz4-frame.ts'
import { decodeZstdFrame } from '../../src/message/compressed/zstd-frame.ts'
import { compressBody, restoreBody } from '../../src/message/compression.ts'
import { samples } from './compressed-samples.ts'

const folder = fileURLToPath(new URL('../../../test/golden/compressed/', import.meta.url).href)
const SIZE_MAX = 4 * 1024 * 1024

const golden = readdirSync(folder).map((file) => {
  const [name = '', , type] = file.split('.')
  return {
    file,
    body: samples[name]?.(),
    bytes: readFileSync(folder + file),
    decode: type === 'lz4' ? decodeLz4Frame : decodeZstdFrame,
  }
})

test('what the zstd and lz4 commands compressed, at several levels, is restored', () => {
  assert.ok(golden.length >= 10)
  for (const { file, body, bytes, decode } of golden) {
    assert.ok(body !== undefined && decode(bytes, SIZE_MAX).equals(body), file)
  }
})

test('consecutive frames form one body, without skippable frames', () => {
  for (const { bytes, body, decode } of golden) {
    const skipped = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const both = decode(Buffer.concat([bytes, skipped, bytes]), SIZE_MAX)
    assert.ok(body !== undefined && both.equals(Buffer.concat([body, body])))
  }
})

test('a body that would become too large is refused before its memory is taken', () => {
  for (const { body = Buffer.alloc(0), bytes, decode } of golden) {
    assert.throws(() => decode(bytes, body.length - 1), ProtocolError)
    assert.equal(decode(bytes, body.length).length, body.length)
  }
})

test('broken bytes are a ProtocolError or another body, nothing else', () => {
  const seed = 20
  const small = golden.filter(({ bytes }) => bytes.length < 6_000)
  const one = fc.record({
    from: fc.constantFrom(...small),
    cut: fc.nat(),
    flips: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 }),
  })
  let refused = 0
  fc.assert(
    fc.property(one, ({ from, cut, flips }) => {
      const bytes = Buffer.from(from.bytes)
      for (const { at, byte } of flips) bytes[at % bytes.length] = byte
      const input = flips.length > 0 ? bytes : bytes.subarray(0, cut % bytes.length)
      try {
        from.decode(input, SIZE_MAX)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        refused++
      }
    }),
    { seed, numRuns: 500 },
  )
  assert.ok(refused > 100)
})

test('bodies of LZ4 and ZSTD are restored by the bits of their sysFlag, and LZ4 is not written', () => {
  for (const { file, body, bytes } of golden) {
    const sysFlag = 0x1 | (file.endsWith('.lz4') ? 0x100 : 0x200)
    assert.ok(body !== undefined && restoreBody(bytes, sysFlag).equals(body), file)
  }
  assert.throws(() => compressBody(Buffer.from('b'), 'LZ4'), ProtocolError)
})

test('each codec stops at the limit that its caller names, and says that it was the limit', () => {
  const packed = [
    { sysFlag: 0x301, bytes: compressBody(Buffer.alloc(1_000_000, 'abc')) },
    ...golden.map(({ file, bytes }) => ({
      sysFlag: 0x1 | (file.endsWith('.lz4') ? 0x100 : 0x200),
      bytes,
    })),
  ]
  for (const { sysFlag, bytes } of packed) {
    const { length } = restoreBody(bytes, sysFlag)
    if (length < 2) continue
    assert.equal(restoreBody(bytes, sysFlag, length).length, length)
    assert.throws(() => restoreBody(bytes, sysFlag, length - 1), BodyTooLarge)
  }
})

/** A ZSTD frame of one block, whose sequences copy 131,074 bytes each from one byte back: 2 bytes for a sequence. */
function zstdOfLongCopies(sequences: number): Buffer {
  const block = Buffer.concat([
    Buffer.from([0x08, 0x41]),
    Buffer.from([(sequences >> 8) + 128, sequences & 0xff]),
    // Each of the three codes is one that is repeated.
    Buffer.from([0x54, 0, 0, 52]),
    Buffer.alloc(sequences * 2, 0xff),
    Buffer.from([1]),
  ])
  const header = Buffer.alloc(3)
  header.writeUIntLE((block.length << 3) | 5, 0, 3)
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]), header, block])
}

// `fzstd` works 2 s on the first of these, 8 KiB, and makes a body of it; `lz4js` 1 s on the second, 11 bytes. Both write behind
// the end of their output until the input ends.
test('bytes that ask for more work than a body is worth are refused', () => {
  assert.throws(() => decodeZstdFrame(zstdOfLongCopies(4000), SIZE_MAX), ProtocolError)
  const frame = [0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0, 0xff, 0xff, 0xff, 0x03]
  assert.throws(() => decodeLz4Frame(Buffer.from(frame), SIZE_MAX), ProtocolError)
})
