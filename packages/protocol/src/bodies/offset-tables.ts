import { type DataVersion, dataVersion } from './data-version.ts'
import { type MessageQueue, messageQueue } from './message-queue.ts'
import {
  type Shape,
  jsonBody,
  list,
  mapByNumber,
  mapByObject,
  mapOf,
  maybe,
  number,
  object,
  text,
} from './shape.ts'

/** The offsets of all groups: GET_ALL_CONSUMER_OFFSET, config/consumerOffset.json. Apache: `ConsumerOffsetManager.java`. */
export interface ConsumerOffsetTable {
  /** Absent in files of 4.9. */
  readonly dataVersion?: DataVersion | undefined
  /** Offset to consume next, by queue id, by `topic@group`. */
  readonly offsetTable: ReadonlyMap<string, ReadonlyMap<number, number>>
  readonly groupTopicMap?: ReadonlyMap<string, readonly string[]> | undefined
  /** Offsets of light message queues, by `topic@group`. Apache: `LmqConsumerOffsetManager.java`. */
  readonly lmqOffsetTable?: ReadonlyMap<string, number> | undefined
}

/** ConsumerOffsetTable as a body. */
export const consumerOffsetTableBody = jsonBody<ConsumerOffsetTable>(
  'ConsumerOffsetSerializeWrapper',
  object<ConsumerOffsetTable>({
    dataVersion: maybe(dataVersion),
    offsetTable: mapOf(mapByNumber(number)),
    groupTopicMap: maybe(mapOf(list(text))),
    lmqOffsetTable: maybe(mapOf(number)),
  }),
)

/** The offsets of the delay levels: GET_ALL_DELAY_OFFSET. Apache: `DelayOffsetSerializeWrapper.java`. */
export interface DelayOffsetTable {
  readonly dataVersion?: DataVersion | undefined
  /** Offset to deliver next, by level from 1. */
  readonly offsetTable: ReadonlyMap<number, number>
  /** What Skylark adds: from where on in the commit log to look for deliveries that are not counted yet. */
  readonly commitLogOffset?: number | undefined
}

/** DelayOffsetTable as a body. */
export const delayOffsetTableBody = jsonBody<DelayOffsetTable>(
  'DelayOffsetSerializeWrapper',
  object<DelayOffsetTable>({
    dataVersion: maybe(dataVersion),
    offsetTable: mapByNumber(number),
    commitLogOffset: maybe(number),
  }),
)

/** Offsets by queue: 220, 222. Apache: `ResetOffsetBody.java`. */
export interface ResetOffsetTable {
  readonly offsetTable: ReadonlyMap<MessageQueue, number>
}

const byQueue = mapByObject(messageQueue, number)

interface OffsetOfQueue extends MessageQueue {
  readonly offset: number
}

const offsetsOfQueues = list(
  object<OffsetOfQueue>({ topic: text, brokerName: text, queueId: number, offset: number }),
)

// Clients in C++ get and send a list of queues with offsets in place of the map.
const offsetTable: Shape<ReadonlyMap<MessageQueue, number>> = {
  read: (value, at) => {
    if (!Array.isArray(value)) return byQueue.read(value, at)
    return new Map(
      offsetsOfQueues.read(value, at).map(({ offset, ...queue }) => [queue, offset] as const),
    )
  },
}

/** ResetOffsetTable as a body; both forms are read. */
export const resetOffsetBody = jsonBody<ResetOffsetTable>(
  'ResetOffsetBody',
  object<ResetOffsetTable>({ offsetTable }),
)

/** The offsets of a broadcasting consumer, in a file of its machine. Apache: `OffsetSerializeWrapper.java`. */
export const localOffsetsBody = jsonBody<ResetOffsetTable>(
  'OffsetSerializeWrapper',
  object<ResetOffsetTable>({ offsetTable: byQueue }),
)

/** Writes a ResetOffsetTable as clients in C++ want it: a list. Apache: `ResetOffsetBodyForC.java`. */
export function encodeResetOffsetForCpp(table: ResetOffsetTable): Buffer {
  const rows = Array.from(table.offsetTable, ([queue, offset]) => ({ ...queue, offset }))
  return Buffer.from(JSON.stringify({ offsetTable: rows }), 'utf8')
}

/** The offsets of clients: 221, 223. Apache: `GetConsumerStatusBody.java`. */
export interface ConsumerStatus {
  readonly messageQueueTable: ReadonlyMap<MessageQueue, number>
  /** By client id. */
  readonly consumerTable?: ReadonlyMap<string, ReadonlyMap<MessageQueue, number>> | undefined
}

/** ConsumerStatus as a body. */
export const consumerStatusBody = jsonBody<ConsumerStatus>(
  'GetConsumerStatusBody',
  object<ConsumerStatus>({ messageQueueTable: byQueue, consumerTable: maybe(mapOf(byQueue)) }),
)

/** QUERY_CORRECTION_OFFSET. Apache: `QueryCorrectionOffsetBody.java`. */
export interface CorrectionOffsets {
  /** By queue id. */
  readonly correctionOffsets: ReadonlyMap<number, number>
}

/** CorrectionOffsets as a body. */
export const correctionOffsetsBody = jsonBody<CorrectionOffsets>(
  'QueryCorrectionOffsetBody',
  object<CorrectionOffsets>({ correctionOffsets: mapByNumber(number) }),
)
