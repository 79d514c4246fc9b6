const VERSION = 'v1'

/** What a producer needs to recall a timer message. Apache: `RecallMessageHandle.java`. */
export interface RecallHandle {
  readonly topic: string
  readonly brokerName: string
  /** Ms, in the slot of the message. Text, as it came. */
  readonly timestamp: string
  /** The message's unique key. */
  readonly uniqKey: string
}

/** Writes a handle as clients get it. */
export function encodeRecallHandle(handle: RecallHandle): string {
  const { topic, brokerName, timestamp, uniqKey } = handle
  const bytes = Buffer.from([VERSION, topic, brokerName, timestamp, uniqKey].join(' '))
  // As Java's encoder, with the padding.
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** Reads a handle; undefined when it is invalid. */
export function decodeRecallHandle(text: string): RecallHandle | undefined {
  if (!/^[\w-]+={0,2}$/.test(text)) return undefined
  const items = Buffer.from(text, 'base64url').toString('utf8').split(' ')
  const [version, topic, brokerName, timestamp, uniqKey] = items
  const isWhole =
    version === VERSION &&
    topic !== undefined &&
    brokerName !== undefined &&
    timestamp !== undefined &&
    uniqKey !== undefined
  return isWhole ? { topic, brokerName, timestamp, uniqKey } : undefined
}
