import { type Shape, base64, list, number, object, text } from './shape.ts'
import { parseFastjson } from '../json/parse-fastjson.ts'
import { stringifyFastjson } from '../json/stringify-fastjson.ts'

/** Acknowledges several messages of one pop. Apache: `BatchAck.java`. */
export interface BatchAck {
  /** consumer group */
  readonly c: string
  /** topic */
  readonly t: string
  /** `0` from the topic, `1` and `2` from retry topics */
  readonly r: string
  /** first offset of the pop */
  readonly so: number
  /** queue id */
  readonly q: number
  /** queue of the revive topic */
  readonly rq: number
  /** when it was popped, ms */
  readonly pt: number
  /** how long it stays hidden, ms */
  readonly it: number
  /** bit i, counted from the lowest bit of the first byte, stands for offset `so + i` */
  readonly b: Buffer
}

/** BATCH_ACK_MESSAGE. Apache: `BatchAckMessageRequestBody.java`. */
export interface BatchAckRequest {
  readonly brokerName: string
  readonly acks: readonly BatchAck[]
}

const request: Shape<BatchAckRequest> = object<BatchAckRequest>({
  brokerName: text,
  acks: list(
    object<BatchAck>({
      c: text,
      t: text,
      r: text,
      so: number,
      q: number,
      rq: number,
      pt: number,
      it: number,
      b: base64,
    }),
  ),
})

/** Reads a BatchAckRequest. */
export function decodeBatchAck(bytes: Buffer): BatchAckRequest {
  return request.read(parseFastjson(bytes.toString('utf8')), 'BatchAckMessageRequestBody')
}

/** Writes a BatchAckRequest. */
export function encodeBatchAck(value: BatchAckRequest): Buffer {
  const acks = value.acks.map((ack) => ({ ...ack, b: ack.b.toString('base64') }))
  return Buffer.from(stringifyFastjson({ ...value, acks }), 'utf8')
}
