import { wrapNamespace } from '@skylarkmq/protocol'
import type { Message } from '../message.ts'
import type { PreparedSend } from './encode-send.ts'

/**
 * A message that was checked and encoded, and may be kept, as JSON for one, to be sent later, by another process too, and
 * more than once: its id stays, so that who consumes it can tell that it is the same.
 */
export interface PreparedMessage {
  /** The topic, without the namespace. */
  readonly topic: string
  /** The id that it has whenever it is sent. */
  readonly msgId: string
  /** The body as it goes over the wire, in Base64. */
  readonly body: string
  /** The properties as they go over the wire. */
  readonly properties: string
  /** See MessageSysFlag: whether the body is compressed. */
  readonly sysFlag: number
  /** The application's own number. */
  readonly flag: number
  /** What decides its queue; undefined when any will do. */
  readonly shardingKey?: string | undefined
}

/** What is kept of a message. */
export function preparedMessage(
  { userTopic, msgIds, body, properties, sysFlag, flag }: PreparedSend,
  { shardingKey }: Message,
): PreparedMessage {
  const base64 = Buffer.from(body).toString('base64')
  const msgId = msgIds[0] ?? ''
  return { topic: userTopic, msgId, body: base64, properties, sysFlag, flag, shardingKey }
}

/** A kept message, ready to be sent. */
export function preparedSend(kept: PreparedMessage, namespace: string | undefined): PreparedSend {
  const { topic, msgId, body, properties, sysFlag, flag } = kept
  return {
    topic: wrapNamespace(namespace, topic),
    userTopic: topic,
    kind: 'message',
    msgIds: [msgId],
    body: Buffer.from(body, 'base64'),
    properties,
    sysFlag,
    flag,
  }
}
