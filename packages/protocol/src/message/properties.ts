/** Between a property's name and its value. */
export const NAME_VALUE_SEPARATOR = 0x01
/** Behind each property; the last one may lack it. */
export const PROPERTY_SEPARATOR = 0x02
/** Between the keys of one message in the property KEYS. */
export const KEY_SEPARATOR = ' '
/** Longest encoded properties, in bytes. */
export const PROPERTIES_BYTES_MAX = 32767

/** The names of properties that RocketMQ gives a meaning. Apache: `MessageConst.java`. */
export const Property = {
  KEYS: 'KEYS',
  TAGS: 'TAGS',
  WAIT: 'WAIT',
  DELAY: 'DELAY',
  RETRY_TOPIC: 'RETRY_TOPIC',
  REAL_TOPIC: 'REAL_TOPIC',
  REAL_QID: 'REAL_QID',
  TRAN_MSG: 'TRAN_MSG',
  PGROUP: 'PGROUP',
  MIN_OFFSET: 'MIN_OFFSET',
  MAX_OFFSET: 'MAX_OFFSET',
  BUYER_ID: 'BUYER_ID',
  ORIGIN_MESSAGE_ID: 'ORIGIN_MESSAGE_ID',
  TRANSFER_FLAG: 'TRANSFER_FLAG',
  CORRECTION_FLAG: 'CORRECTION_FLAG',
  MQ2_FLAG: 'MQ2_FLAG',
  RECONSUME_TIME: 'RECONSUME_TIME',
  MSG_REGION: 'MSG_REGION',
  TRACE_ON: 'TRACE_ON',
  UNIQ_KEY: 'UNIQ_KEY',
  EXTEND_UNIQ_INFO: 'EXTEND_UNIQ_INFO',
  MAX_RECONSUME_TIMES: 'MAX_RECONSUME_TIMES',
  CONSUME_START_TIME: 'CONSUME_START_TIME',
  INNER_NUM: 'INNER_NUM',
  INNER_BASE: 'INNER_BASE',
  CHECK_IMMUNITY_TIME_IN_SECONDS: 'CHECK_IMMUNITY_TIME_IN_SECONDS',
  TRAN_PREPARED_QUEUE_OFFSET: 'TRAN_PREPARED_QUEUE_OFFSET',
  TRANSACTION_ID: '__transactionId__',
  TRANSACTION_CHECK_TIMES: 'TRANSACTION_CHECK_TIMES',
  INSTANCE_ID: 'INSTANCE_ID',
  CORRELATION_ID: 'CORRELATION_ID',
  REPLY_TO_CLIENT: 'REPLY_TO_CLIENT',
  TTL: 'TTL',
  ARRIVE_TIME: 'ARRIVE_TIME',
  PUSH_REPLY_TIME: 'PUSH_REPLY_TIME',
  CLUSTER: 'CLUSTER',
  MSG_TYPE: 'MSG_TYPE',
  POP_CK: 'POP_CK',
  POP_CK_OFFSET: 'POP_CK_OFFSET',
  FIRST_POP_TIME: '1ST_POP_TIME',
  SHARDING_KEY: '__SHARDINGKEY',
  FORWARD_QUEUE_ID: 'PROPERTY_FORWARD_QUEUE_ID',
  REDIRECT: 'REDIRECT',
  INNER_MULTI_DISPATCH: 'INNER_MULTI_DISPATCH',
  INNER_MULTI_QUEUE_OFFSET: 'INNER_MULTI_QUEUE_OFFSET',
  TRACE_CONTEXT: 'TRACE_CONTEXT',
  TIMER_DELAY_SEC: 'TIMER_DELAY_SEC',
  TIMER_DELIVER_MS: 'TIMER_DELIVER_MS',
  BORN_HOST: '__BORNHOST',
  BORN_TIMESTAMP: 'BORN_TIMESTAMP',
  TIMER_ENQUEUE_MS: 'TIMER_ENQUEUE_MS',
  TIMER_DEQUEUE_MS: 'TIMER_DEQUEUE_MS',
  TIMER_ROLL_TIMES: 'TIMER_ROLL_TIMES',
  TIMER_OUT_MS: 'TIMER_OUT_MS',
  TIMER_DEL_UNIQKEY: 'TIMER_DEL_UNIQKEY',
  TIMER_DELAY_LEVEL: 'TIMER_DELAY_LEVEL',
  TIMER_DELAY_MS: 'TIMER_DELAY_MS',
  CRC32: '__CRC32#',
  DLQ_ORIGIN_TOPIC: 'DLQ_ORIGIN_TOPIC',
  DLQ_ORIGIN_MESSAGE_ID: 'DLQ_ORIGIN_MESSAGE_ID',
} as const

const reserved: ReadonlySet<string> = new Set<string>([...Object.values(Property), 'DUP_INFO'])

/** True for a name that a user's message may not set. */
export const isReservedProperty = (name: string): boolean => reserved.has(name)

/** Where a property's value lies: `bytes[start, end)`. */
export interface PropertySpan {
  readonly start: number
  readonly end: number
}

/** The properties of a message as a map, in the order they were written. */
export type Properties = Map<string, string>

/**
 * Reads properties, `name 01 value 02 name 01 value 02 …`. Of a name that comes twice the last value
 * holds; a piece without a separator, a name or a value is left out. Apache: `MessageDecoder.java`,
 * string2messageProperties.
 */
export function decodeProperties(bytes: Buffer, start = 0, end = bytes.length): Properties {
  return parseProperties(bytes.toString('utf8', start, end))
}

/** `decodeProperties` for text. */
export function parseProperties(text: string): Properties {
  const properties: Properties = new Map()
  let middle = text.indexOf('\x01')
  for (let at = 0; middle >= 0 && at < text.length;) {
    const found = text.indexOf('\x02', at)
    const end = found < 0 ? text.length : found
    // Only searched again once it lies behind, so that a long text of separators costs one pass.
    if (middle < at) middle = text.indexOf('\x01', at)
    if (middle > at && middle < end - 1) {
      properties.set(text.slice(at, middle), text.slice(middle + 1, end))
    }
    at = end + 1
  }
  return properties
}

/** Writes properties as text, a separator behind each one. */
export function formatProperties(
  properties: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
): string {
  const entries = properties instanceof Map ? properties : Object.entries(properties)
  let text = ''
  for (const [name, value] of entries as Iterable<[string, string]>) {
    text += `${name}\x01${value}\x02`
  }
  return text
}

/** Writes properties as bytes, a separator behind each one. */
export function encodeProperties(
  properties: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
): Buffer {
  return Buffer.from(formatProperties(properties), 'utf8')
}

/**
 * Finds the value of a property in encoded properties without decoding them; the last one when the
 * name comes twice. Pass the name as bytes where it is looked up often.
 */
export function findProperty(
  bytes: Uint8Array,
  name: string | Uint8Array,
  start = 0,
  end = bytes.length,
): PropertySpan | undefined {
  const wanted = typeof name === 'string' ? Buffer.from(name, 'utf8') : name
  let foundStart = -1
  let foundEnd = -1
  for (let at = start; at < end;) {
    const valueStart = valueAfterName(bytes, at, end, wanted)
    const pieceEnd = indexOfSeparator(bytes, at, end)
    if (valueStart > 0 && valueStart < pieceEnd) {
      foundStart = valueStart
      foundEnd = pieceEnd
    }
    at = pieceEnd + 1
  }
  return foundStart < 0 ? undefined : { start: foundStart, end: foundEnd }
}

function valueAfterName(bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  if (at + name.length >= end) return -1
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return -1
  return bytes[at + name.length] === NAME_VALUE_SEPARATOR ? at + name.length + 1 : -1
}

function indexOfSeparator(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i] !== PROPERTY_SEPARATOR) i++
  return i
}

/** True when encoded properties have a property of this name. */
export function hasProperty(bytes: Uint8Array, name: string | Uint8Array): boolean {
  return findProperty(bytes, name) !== undefined
}

/** The value of a property in encoded properties; undefined when there is none. */
export function propertyText(bytes: Buffer, name: string | Uint8Array): string | undefined {
  const span = findProperty(bytes, name)
  return span === undefined ? undefined : bytes.toString('utf8', span.start, span.end)
}

/**
 * Encoded properties with one more behind them. The separator that the last one may lack is put in.
 */
export function appendProperty(bytes: Uint8Array, name: string, value: string): Buffer {
  return appendPropertyBytes(bytes, Buffer.from(`${name}\x01${value}\x02`, 'utf8'))
}

/** Encoded properties with further encoded properties behind them. */
export function appendPropertyBytes(bytes: Uint8Array, more: Uint8Array): Buffer {
  const gap = bytes.length > 0 && bytes[bytes.length - 1] !== PROPERTY_SEPARATOR ? 1 : 0
  const joined = Buffer.allocUnsafe(bytes.length + gap + more.length)
  joined.set(bytes, 0)
  if (gap === 1) joined[bytes.length] = PROPERTY_SEPARATOR
  joined.set(more, bytes.length + gap)
  return joined
}

/**
 * Encoded properties with some set and some, those whose value is undefined, taken out. What stays
 * keeps its bytes and its order; what is set comes last.
 */
export function changeProperties(
  bytes: Buffer,
  changes: Readonly<Record<string, string | undefined>>,
): Buffer {
  const names = Object.keys(changes).map((name) => Buffer.from(name, 'utf8'))
  const kept: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const end = indexOfSeparator(bytes, at, bytes.length)
    if (end > at && !names.some((name) => valueAfterName(bytes, at, end + 1, name) > 0)) {
      kept.push(bytes.subarray(at, end), SEPARATOR)
    }
    at = end + 1
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value !== undefined) kept.push(Buffer.from(`${name}\x01${value}\x02`, 'utf8'))
  }
  return Buffer.concat(kept)
}

const SEPARATOR = Uint8Array.of(PROPERTY_SEPARATOR)
