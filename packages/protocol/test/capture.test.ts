import assert from 'node:assert/strict'
import { test } from 'node:test'
import { languageName } from '../src/codes/language-code.ts'
import { decodeCommand } from '../src/frame/decode-command.ts'
import { encodeCommand } from '../src/frame/frame-encoder.ts'
import { peekCode } from '../src/frame/header-scan.ts'
import { Serialization } from '../src/frame/remoting-command.ts'
import { capturedFrames, frameOf } from './support/golden.ts'

// Reference: frames recorded between Apache's processes, see golden/README.md.

test('every captured frame decodes to the header that was sent', () => {
  const frames = capturedFrames()
  assert.ok(frames.length > 200)
  for (const { title, frame } of frames) {
    const command = decodeCommand(frameOf(frame.bytes))
    const { header } = frame
    assert.equal(Serialization[frame.serialization], command.serialization, title)
    assert.equal(command.code, header.code, title)
    assert.equal(command.flag, header.flag, title)
    assert.equal(command.opaque, header.opaque, title)
    assert.equal(command.version, header.version, title)
    assert.equal(languageName(command.language), header.language, title)
    assert.equal(command.remark, header.remark, title)
    assert.deepEqual(command.fields ?? {}, header.extFields ?? {}, title)
  }
})

test('every captured frame encodes again: binary to the same bytes, JSON to the same content', () => {
  for (const { title, frame } of capturedFrames()) {
    const command = decodeCommand(frameOf(frame.bytes))
    const encoded = encodeCommand(command)
    assert.equal(encoded.length, frame.bytes.length, title)
    if (command.serialization === Serialization.ROCKETMQ) {
      assert.deepEqual(encoded, frame.bytes, title)
    } else {
      assert.deepEqual(decodeCommand(frameOf(encoded)), command, title)
      assert.deepEqual(jsonOf(encoded), jsonOf(frame.bytes), title)
    }
  }
})

test('the code of every captured frame is found without decoding it', () => {
  for (const { title, frame } of capturedFrames()) {
    assert.equal(peekCode(frameOf(frame.bytes)), frame.header.code, title)
  }
})

function jsonOf(bytes: Buffer): unknown {
  const frame = frameOf(bytes)
  return JSON.parse(frame.buffer.toString('utf8', frame.headerStart, frame.headerEnd))
}
