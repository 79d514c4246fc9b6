import { errorOfThrown, textOfThrown } from '@skylarkmq/env'
import { checkMessage } from '../check/check-message.ts'
import { shown } from '../check/check-options.ts'
import { MessageError, SerdeError } from '../errors.ts'
import type { Message, ReceivedMessage } from '../message.ts'
import type { Serde } from './serde.ts'

/** The message with its body as bytes or text. Rejects with RMQ_SERDE, or RMQ_MESSAGE without a serde that it needs. */
export async function encodeBody<T>(
  serde: Serde<unknown, T> | undefined,
  message: Message<T>,
): Promise<Message> {
  if (serde === undefined) return plainBody(message)
  checkMessage(message)
  const { topic, body } = message
  try {
    const encoded: unknown = await serde.encode(body, { topic })
    if (isBody(encoded)) return { ...message, body: encoded }
    throw new TypeError(`its encode() gave ${shown(encoded)}, neither text nor bytes`)
  } catch (error) {
    throw serdeError(topic, error)
  }
}

/** A message without a serde: its body must be text or bytes. Throws RMQ_MESSAGE. */
export function plainBody(message: Message<unknown>): Message {
  checkMessage(message)
  const { body } = message
  if (isBody(body)) return message as Message
  const problem = `the body is ${body === null ? 'null' : typeof body}: give text or bytes, or the producer a serde, such as json()`
  throw new MessageError({ problem })
}

function isBody(body: unknown): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array
}

/** The message with its body as a value. Rejects with RMQ_SERDE. */
export async function decodeBody<T>(
  serde: Serde<T, never> | undefined,
  message: ReceivedMessage,
): Promise<ReceivedMessage<T>> {
  if (serde === undefined) return message as ReceivedMessage<T>
  const { topic } = message
  try {
    return { ...message, body: await serde.decode(message.body, { topic }) }
  } catch (error) {
    throw serdeError(topic, error)
  }
}

/** Whatever a serde throws means that the value is not what it expects. */
function serdeError(topic: string, error: unknown): SerdeError {
  return new SerdeError({ topic, problem: textOfThrown(error) }, errorOfThrown(error))
}
