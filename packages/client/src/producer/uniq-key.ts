import type { Env } from '@skylarkmq/env'
import { createUniqKey, hostBytes, monthStartMs } from '@skylarkmq/protocol'

const COUNTER_DIGITS = 4
const TIME_DIGITS = 8
/** Time zones differ by whole quarters of an hour: no month ends within one. */
const QUARTER_MS = 900_000
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

const BYTES = Array.from({ length: 256 }, (_, byte) => hex(byte, 2))

/** Gives messages their ids, each once. Apache: `MessageClientIDSetter.java`. */
export function uniqKeys(env: Env): () => string {
  const seed = env.random.bytes(8)
  const host = hostBytes(env.net.addresses()[0] ?? '') ?? LOOPBACK
  const of = { host, pid: seed.readUInt16BE(0), hash: seed.readInt32BE(2) }
  const whole = createUniqKey({ ...of, sinceMonthStartMs: 0, counter: 0 })
  const prefix = whole.slice(0, -COUNTER_DIGITS - TIME_DIGITS)
  let counter = seed.readUInt16BE(6)
  let timeMs = NaN
  let startMs = NaN
  /** All but the counter, for as long as the clock shows `timeMs`. */
  let head = ''
  return () => {
    const now = env.clock.now()
    if (now !== timeMs) {
      if (Math.floor(now / QUARTER_MS) !== Math.floor(timeMs / QUARTER_MS))
        startMs = monthStartMs(now)
      timeMs = now
      head = prefix + hex((now - startMs) >>> 0, TIME_DIGITS)
    }
    counter = (counter + 1) & 0xffff
    return head + (BYTES[counter >>> 8] as string) + (BYTES[counter & 0xff] as string)
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
