/** Between the fields of one entry. */
const FIELD = '\u0001'
/** Behind each entry. */
const ENTRY = '\u0002'

/** `ordinal` of Apache's MessageType. */
export const TracedType = { NORMAL: 0, HALF: 1, COMMIT: 2, DELAY: 3 } as const

/** What the trace tells of a message, whatever was done with it. */
export interface TracedMessage {
  /** Wall clock at the begin, ms. */
  readonly timestamp: number
  readonly regionId: string
  /** Without its namespace, as the topic. */
  readonly group: string
  readonly topic: string
  readonly msgId: string
  readonly tags: string
  /** Joined by blanks. */
  readonly keys: string
  /** `host:port` of the broker. */
  readonly storeHost: string
  /** See TracedType. */
  readonly type: number
}

/** A message that was sent. */
export interface TracedSend extends TracedMessage {
  /** As it was sent, perhaps compressed. */
  readonly bodyBytes: number
  readonly costMs: number
  readonly offsetMsgId: string
  readonly isSuccess: boolean
}

/** The end of a transaction. */
export interface TracedEnd extends TracedMessage {
  readonly transactionId: string
  readonly decision: 'commit' | 'rollback' | 'unknown'
  readonly isAsked: boolean
}

const STATES = { commit: 'COMMIT_MESSAGE', rollback: 'ROLLBACK_MESSAGE', unknown: 'UNKNOW' }

/**
 * An entry of the trace topic for a message that was sent. Apache: `TraceDataEncoder.java`.
 *
 * | at | field       | | at | field            |
 * | -- | ----------- | | -- | ---------------- |
 * |  0 | `Pub`       | |  7 | keys             |
 * |  1 | timestamp   | |  8 | storeHost        |
 * |  2 | regionId    | |  9 | bodyBytes        |
 * |  3 | group       | | 10 | costMs           |
 * |  4 | topic       | | 11 | type             |
 * |  5 | msgId       | | 12 | offsetMsgId      |
 * |  6 | tags        | | 13 | true when stored |
 */
export function encodeSend(sent: TracedSend): string {
  const { timestamp, regionId, group, topic, msgId, tags, keys, storeHost } = sent
  const fields = [
    ...['Pub', timestamp, regionId, group, topic, msgId, tags, keys, storeHost],
    ...[sent.bodyBytes, Math.round(sent.costMs), sent.type, sent.offsetMsgId, sent.isSuccess],
  ]
  return fields.join(FIELD) + ENTRY
}

/**
 * An entry for the end of a transaction: as `encodeSend` up to storeHost, then type, transactionId, the state as Apache
 * spells it, and whether the broker had asked.
 */
export function encodeEnd(end: TracedEnd): string {
  const { timestamp, regionId, group, topic, msgId, tags, keys, storeHost } = end
  const fields = [
    ...['EndTransaction', timestamp, regionId, group, topic, msgId, tags, keys, storeHost],
    ...[end.type, end.transactionId, STATES[end.decision], end.isAsked],
  ]
  return fields.join(FIELD) + ENTRY
}

/** A call of a listener. */
export interface TracedCall {
  /** Wall clock at its begin, ms. */
  readonly timestamp: number
  /** Without its namespace. */
  readonly group: string
  /** Joins its begin and its end. */
  readonly requestId: string
  readonly msgId: string
  /** Joined by blanks. */
  readonly keys: string
}

/** An entry for a message that a listener is called with: `SubBefore`, timestamp, regionId, group, requestId, msgId, retryTimes, keys. */
export function encodeSubBefore(
  call: TracedCall & { readonly regionId: string; readonly retryTimes: number },
): string {
  const { timestamp, regionId, group, requestId, msgId, retryTimes, keys } = call
  const fields = ['SubBefore', timestamp, regionId, group, requestId, msgId, retryTimes, keys]
  return fields.join(FIELD) + ENTRY
}

/** `ordinal` of Apache's ConsumeReturnType. */
const RETURNED = { SUCCESS: 0, FAILED: 4 }

/**
 * An entry for the end of that call: `SubAfter`, requestId, msgId, costMs, whether it was consumed, keys, how it ended, timestamp,
 * group.
 */
export function encodeSubAfter(
  call: TracedCall & { readonly costMs: number; readonly isSuccess: boolean },
): string {
  const { timestamp, group, requestId, msgId, costMs, isSuccess, keys } = call
  const code = isSuccess ? RETURNED.SUCCESS : RETURNED.FAILED
  const ended = [requestId, msgId, Math.round(costMs), isSuccess, keys, code]
  return ['SubAfter', ...ended, timestamp, group].join(FIELD) + ENTRY
}
