import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../src/errors.ts'
import { decodeCommand } from '../src/frame/decode-command.ts'
import { FRAME_BYTES_MAX, FrameDecoder } from '../src/frame/frame-decoder.ts'
import { ByteSink } from '../src/frame/byte-sink.ts'
import { encodeCommand, writeCommand, writeReply } from '../src/frame/frame-encoder.ts'
import type { RemotingCommand } from '../src/frame/remoting-command.ts'
import { capturedFrames, frameOf } from './support/golden.ts'
import { seeded } from './support/seeded.ts'

function commandsOf(chunks: readonly Buffer[]): RemotingCommand[] {
  const decoder = new FrameDecoder()
  const commands: RemotingCommand[] = []
  for (const chunk of chunks) {
    // As on a connection: one buffer for every chunk, filled anew each time.
    const shared = Buffer.from(chunk)
    decoder.push(shared, (frame) => {
      const command = decodeCommand(frame)
      commands.push({ ...command, body: command.body && Buffer.from(command.body) })
    })
    shared.fill(0xee)
  }
  assert.equal(decoder.pendingBytes, 0)
  return commands
}

test('a stream decodes to the same frames however it is cut', () => {
  const frames = capturedFrames().map(({ frame }) => frame.bytes)
  const stream = Buffer.concat(frames)
  const whole = frames.map((bytes) => decodeCommand(frameOf(bytes)))
  const cuts = fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 400 })
  fc.assert(
    fc.property(cuts, (places) => {
      const ends = [...places.sort((a, b) => a - b), stream.length]
      const chunks = ends.map((end, i) => stream.subarray(i === 0 ? 0 : ends[i - 1], end))
      assert.deepEqual(commandsOf(chunks), whole)
    }),
    seeded(30),
  )
})

test('a frame that lies whole in a chunk is not copied', () => {
  const bytes = encodeCommand({ code: 310, opaque: 1, body: Buffer.from('body') })
  const frame = frameOf(bytes)
  assert.equal(frame.buffer, bytes)
})

test('a length field alone makes the decoder keep no more than what arrived', () => {
  const decoder = new FrameDecoder()
  const head = Buffer.alloc(9)
  head.writeInt32BE(FRAME_BYTES_MAX - 4, 0)
  decoder.push(head, () => assert.fail('there is no frame'))
  assert.equal(decoder.pendingBytes, 9)
})

// Reference: `NettyDecoder.java`; `RemotingCommand.java`, decode.
test('what Apache closes the connection for is a ProtocolError', () => {
  const broken = (length: number, mark: number): Buffer => {
    const bytes = Buffer.alloc(16)
    bytes.writeInt32BE(length, 0)
    bytes.writeInt32BE(mark, 4)
    return bytes
  }
  const cases = [
    broken(FRAME_BYTES_MAX - 3, 0),
    broken(-1, 0),
    broken(3, 0),
    broken(12, 9),
    broken(12, 2 << 24),
  ]
  for (const bytes of cases) {
    assert.throws(() => new FrameDecoder().push(bytes, () => undefined), ProtocolError)
  }
})

test('headers that cannot be read are ProtocolErrors', () => {
  const headers = ['[]', '1', '{"code":', '{"opaque":2147483648}', '{"code":1.5}', '{"flag":"x"}']
  for (const header of headers) {
    const bytes = Buffer.alloc(8 + header.length)
    bytes.writeInt32BE(4 + header.length, 0)
    bytes.writeInt32BE(header.length, 4)
    bytes.write(header, 8)
    assert.throws(() => decodeCommand(frameOf(bytes)), ProtocolError, header)
  }
})

function decodeHeaderText(header: string): RemotingCommand {
  const length = Buffer.byteLength(header)
  const bytes = Buffer.alloc(8 + length)
  bytes.writeInt32BE(4 + length, 0)
  bytes.writeInt32BE(length, 4)
  bytes.write(header, 8)
  return decodeCommand(frameOf(bytes))
}

// Reference: observed on Apache 5.3.3: fastjson takes all of these.
test('a header in the ways that fastjson tolerates is read', () => {
  const command = decodeHeaderText(
    `{CODE:"310",'Language':'GO',version:'317',opaque:-7,flag:2,extFields:{a:1,b:true,c:null,},nobody:[1,]}`,
  )
  assert.equal(command.code, 310)
  assert.equal(command.language, 9)
  assert.equal(command.version, 317)
  assert.equal(command.opaque, -7)
  assert.equal(command.flag, 2)
  assert.deepEqual(command.fields, { a: '1', b: 'true' })
  assert.equal(command.body, undefined)
})

test('a language is known by name, ordinal or ordinal as text, and JAVA when absent', () => {
  assert.equal(decodeHeaderText('{}').language, 0)
  assert.equal(decodeHeaderText('{"language":9}').language, 9)
  assert.equal(decodeHeaderText('{"language":"12"}').language, 12)
  assert.equal(decodeHeaderText('{"language":"KLINGON"}').language, undefined)
})

test('frames gather in a sink, and an answer echoes the opaque with the response bit', () => {
  const sink = new ByteSink(16)
  writeCommand(sink, { code: 34, opaque: 5, body: Buffer.from('x') })
  writeReply(sink, 6, {
    code: 17,
    remark: 'no "such" topic\n',
    body: [Buffer.from('a'), Buffer.from('b')],
  })
  const [request, reply] = commandsOf([sink.bytes()])
  assert.equal(request?.opaque, 5)
  assert.equal(reply?.opaque, 6)
  assert.equal(reply.flag, 1)
  assert.equal(reply.remark, 'no "such" topic\n')
  assert.equal(reply.body?.toString(), 'ab')
  sink.reset()
  assert.equal(sink.length, 0)
})

test('a code that does not fit the binary header goes out in JSON', () => {
  const command = decodeCommand(
    frameOf(encodeCommand({ code: 200050, opaque: 1, serialization: 1 })),
  )
  assert.equal(command.serialization, 0)
  assert.equal(command.code, 200050)
})
