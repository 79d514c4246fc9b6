import type { Env } from '@skylarkmq/env'
import { createUniqKey, hostBytes, monthStartMs } from '@skylarkmq/protocol'

const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

/** Gives messages their ids, each once. Apache: `MessageClientIDSetter.java`. */
export function uniqKeys(env: Env): () => string {
  const seed = env.random.bytes(8)
  const host = hostBytes(env.net.addresses()[0] ?? '') ?? LOOPBACK
  const pid = seed.readUInt16BE(0)
  const hash = seed.readInt32BE(2)
  let counter = seed.readUInt16BE(6)
  return () => {
    const now = env.clock.now()
    counter = (counter + 1) & 0xffff
    return createUniqKey({ host, pid, hash, sinceMonthStartMs: now - monthStartMs(now), counter })
  }
}
