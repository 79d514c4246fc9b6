import { ProtocolError } from '../src/errors.ts'
import { decodeCommand } from '../src/frame/decode-command.ts'
import { FrameDecoder } from '../src/frame/frame-decoder.ts'
import { createHotCodecs } from '../src/requests/hot-codecs.ts'
import { decodeRecords } from '../src/message/message-record.ts'
import { decodeBatch } from '../src/message/message-batch.ts'
import { decodeProperties } from '../src/message/properties.ts'
import { parseFastjson } from '../src/json/parse-fastjson.ts'
import { capturedFrames } from './support/golden.ts'

const hotCodecs = createHotCodecs()

/** What a run of the fuzzer did; each count is above zero, or it has tested nothing. */
export interface FuzzCounts {
  frames: number
  hot: number
  refused: number
  /** The most that a decoder kept of a frame that had not wholly arrived. */
  pendingBytesMax: number
}

/** A small generator of numbers: the same seed, the same frames. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/**
 * Feeds `count` random and damaged frames to the decoders. They may refuse with a ProtocolError and
 * nothing else, and may keep no more than they were given; anything else throws here.
 */
export function fuzzFrames(seed: number, count: number): FuzzCounts {
  const below = numbersFrom(seed)
  const samples = capturedFrames().map(({ frame }) => frame.bytes)
  const counts: FuzzCounts = { frames: 0, hot: 0, refused: 0, pendingBytesMax: 0 }
  for (let i = 0; i < count; i++) {
    const bytes = below(8) === 0 ? randomBytes(below) : damaged(samples, below)
    feed(bytes, below, counts)
  }
  return counts
}

/** The same bytes that `fuzzFrames` feeds, for who sends them elsewhere. */
export function* fuzzInputs(seed: number, count: number): Generator<Buffer> {
  const below = numbersFrom(seed)
  const samples = capturedFrames().map(({ frame }) => frame.bytes)
  for (let i = 0; i < count; i++) {
    yield below(8) === 0 ? randomBytes(below) : damaged(samples, below)
  }
}

function randomBytes(below: (n: number) => number): Buffer {
  const bytes = Buffer.alloc(below(200))
  for (let i = 0; i < bytes.length; i++) bytes[i] = below(4) === 0 ? below(256) : below(2)
  return bytes
}

const TOKENS = [
  '{',
  '}',
  '"',
  ':',
  ',',
  '[',
  ']',
  '\\',
  '\\u',
  "'",
  '{{',
  '-',
  '9999999999',
  'null',
]

function damaged(samples: readonly Buffer[], below: (n: number) => number): Buffer {
  let bytes = Buffer.from(samples[below(samples.length)] as Buffer)
  for (let n = below(4); n >= 0; n--) {
    const at = below(Math.min(bytes.length, below(3) === 0 ? bytes.length : 500))
    switch (below(5)) {
      case 0:
        bytes[at] = below(256)
        break
      case 1:
        bytes = bytes.subarray(0, at + 1)
        break
      case 2: {
        const token = Buffer.from(TOKENS[below(TOKENS.length)] as string)
        token.copy(bytes, at)
        break
      }
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(at + 1))])
        break
      default:
        bytes = Buffer.concat([bytes, samples[below(samples.length)] as Buffer])
    }
  }
  return bytes
}

function feed(bytes: Buffer, below: (n: number) => number, counts: FuzzCounts): void {
  const decoder = new FrameDecoder()
  try {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + below(below(2) === 0 ? 40 : 4000))
      decoder.push(bytes.subarray(at, end), (frame) => {
        counts.frames++
        refusing(counts, () => {
          for (const hot of hotCodecs.values()) if (hot.decode(frame) !== undefined) counts.hot++
        })
        const { body } = decodeCommand(frame)
        if (body !== undefined) readBody(body, counts)
      })
      at = end
      counts.pendingBytesMax = Math.max(counts.pendingBytesMax, decoder.pendingBytes)
      if (decoder.pendingBytes > end) throw new Error('the decoder keeps more than it was given')
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    counts.refused++
  }
}

function readBody(body: Buffer, counts: FuzzCounts): void {
  refusing(counts, () => decodeRecords(body))
  refusing(counts, () => decodeBatch(body))
  refusing(counts, () => parseFastjson(body.toString('utf8')))
  decodeProperties(body)
}

function refusing(counts: FuzzCounts, read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    counts.refused++
  }
}
