import { MessageError, SerdeError } from '../errors.ts'
import type { Message, ReceivedMessage } from '../message.ts'
import type { Serde } from './serde.ts'

/** The message with its body as bytes or text. Rejects with RMQ_SERDE, or RMQ_MESSAGE without a serde that it needs. */
export async function encodeBody<T>(
  serde: Serde<T> | undefined,
  message: Message<T>,
): Promise<Message> {
  const { topic, body } = message
  if (serde === undefined) return plainBody(message)
  try {
    return { ...message, body: await serde.encode(body, { topic }) }
  } catch (error) {
    throw serdeError(topic, error)
  }
}

/** A message without a serde: its body must be text or bytes. Throws RMQ_MESSAGE. */
export function plainBody(message: Message<unknown>): Message {
  const { body } = message
  if (typeof body === 'string' || body instanceof Uint8Array) return message as Message
  const problem = `the body is ${body === null ? 'null' : typeof body}: give text or bytes, or the producer a serde, such as json()`
  throw new MessageError({ problem })
}

/** The message with its body as a value. Rejects with RMQ_SERDE. */
export async function decodeBody<T>(
  serde: Serde<T> | undefined,
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
  const problem = error instanceof Error ? error.message : String(error)
  return new SerdeError({ topic, problem }, error)
}
