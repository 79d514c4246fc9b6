import { stringifyFastjson } from '@skylarkmq/protocol'

/** An answer that carries JSON in Apache's dialect. */
export function jsonReply(value: unknown): { code: 0; body: Buffer } {
  return { code: 0, body: Buffer.from(stringifyFastjson(value)) }
}
