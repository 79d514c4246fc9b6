import type { ReceivedMessage } from '@skylarkmq/client'
import type { Cell, Column } from '../output/listing.ts'

const BODY_SHOWN = 2_000

/** The columns of a list of messages. */
export const messageColumns: Column<ReceivedMessage>[] = [
  { key: 'msgId', title: 'ID', of: ({ msgId }) => msgId },
  { key: 'storeTimestamp', title: 'STORED', kind: 'time', of: (row) => row.storeTimestamp },
  { key: 'place', of: placeOf },
  { key: 'tag', of: ({ tag }) => tag },
  { key: 'keys', of: ({ keys }) => keys },
  { key: 'reconsumeTimes', title: 'TRIES', isWide: true, of: (row) => row.reconsumeTimes },
  { key: 'bornHost', title: 'FROM', isWide: true, of: ({ bornHost }) => bornHost },
  { key: 'body', of: (row) => textOfBody(row).slice(0, BODY_SHOWN) },
]

/** `broker/queue@offset`. */
function placeOf({ messageQueue, queueOffset }: ReceivedMessage): string {
  return `${messageQueue.brokerName}/${messageQueue.queueId}@${queueOffset}`
}

/** A body as text; bytes that are no text are counted. */
function textOfBody({ body }: ReceivedMessage): string {
  const text = body.toString('utf8')
  return Buffer.from(text, 'utf8').equals(body) ? text : `(${body.length} bytes)`
}

/** Everything of one message. */
export function messageSheet(message: ReceivedMessage): Record<string, Cell | object> {
  const text = textOfBody(message)
  const isText = !text.startsWith('(') || message.body.toString('utf8') === text
  return {
    msgId: message.msgId,
    topic: message.topic,
    place: placeOf(message),
    tag: message.tag,
    keys: message.keys,
    bornTimestamp: message.bornTimestamp,
    storeTimestamp: message.storeTimestamp,
    bornHost: message.bornHost,
    storeHost: message.storeHost,
    offsetMsgId: message.offsetMsgId,
    reconsumeTimes: message.reconsumeTimes,
    sizeBytes: message.storeSize,
    ...(isText ? { body: text } : { body: text, bodyBase64: message.body.toString('base64') }),
    properties: Object.fromEntries(message.properties),
  }
}

/** How the sheet of a message is read by people. */
export const MESSAGE_KINDS = {
  bornTimestamp: 'time',
  storeTimestamp: 'time',
  sizeBytes: 'count',
} as const
