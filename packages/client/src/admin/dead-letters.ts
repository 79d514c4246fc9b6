import { DLQ_PREFIX, isReservedProperty, Property } from '@skylarkmq/protocol'
import { checkOptions } from '../check/check-options.ts'
import { replayOptions } from '../check/known-options.ts'
import type { ClientInstance } from '../client-instance.ts'
import { ReplayError, RocketMQError, saysOf } from '../errors.ts'
import type { Message, ReceivedMessage } from '../message.ts'
import { Producer } from '../producer/producer.ts'
import { answeredNow } from '../user-code.ts'
import { underSignal } from '../waiting.ts'
import type { BrowseOptions, Messages } from './messages.ts'

/** Which dead letters are sent again, and how. */
export interface ReplayOptions extends BrowseOptions {
  /** Those for which this returns true; default all. */
  readonly filter?: (message: ReceivedMessage) => boolean
  /** Topic to send to; default the one that the message was sent to first. */
  readonly topic?: string
  /** Only counts; default false. */
  readonly dryRun?: boolean
  /** Ends it; messages that were sent before stay sent. */
  readonly signal?: AbortSignal | undefined
}

/** What was sent again. */
export interface Replayed {
  /** Dead letters that were sent again, or would be. */
  readonly replayed: number
  /** Those that the filter left out. */
  readonly skipped: number
}

const REPLAY_GROUP = 'CLIENT_INNER_PRODUCER'

/** What groups could not consume: `%DLQ%group`. Reject as Messages do. */
export class DeadLetters {
  readonly #client: ClientInstance
  readonly #messages: Messages

  /** `client` makes the connections. */
  constructor(client: ClientInstance, messages: Messages) {
    this.#client = client
    this.#messages = messages
  }

  /** The dead letters of a group, for `for await`, oldest first; none of a group that has none. */
  async *list(
    group: string,
    options: BrowseOptions = {},
  ): AsyncGenerator<ReceivedMessage, void, undefined> {
    const topic = DLQ_PREFIX + group
    const wrapped = this.#client.wrapped(topic)
    const route = await underSignal(options, () => this.#client.routes.find(wrapped))
    if (route === undefined) return
    yield* this.#messages.browse(topic, options)
  }

  /**
   * Sends the dead letters of a group again that are there now, as new messages with the same body, tag, keys and
   * properties. They stay where they are. Rejects with RMQ_REPLAY, which says how many were sent, when one cannot be.
   */
  async replay(group: string, options: ReplayOptions = {}): Promise<Replayed> {
    checkOptions(options, replayOptions)
    const { from, to, expression, signal } = options
    const producer = new Producer({ group: REPLAY_GROUP }, this.#client.env, this.#client)
    let replayed = 0
    let skipped = 0
    try {
      for await (const message of this.list(group, { from, to, expression, signal })) {
        options.signal?.throwIfAborted()
        if (answeredNow('filter', () => options.filter?.(message)) === false) {
          skipped++
          continue
        }
        const again = messageAgain(message, options.topic)
        if (options.dryRun !== true)
          await this.#send(producer, group, again, message, replayed, options.signal)
        replayed++
      }
    } finally {
      await producer.close()
    }
    return { replayed, skipped }
  }

  async #send(
    producer: Producer,
    group: string,
    again: Message,
    { msgId }: ReceivedMessage,
    replayed: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let reason: string
    let cause: unknown
    try {
      const { status } = await producer.send(again, { signal })
      if (status === 'SEND_OK') return
      reason = `the broker answered ${status}`
    } catch (error) {
      signal?.throwIfAborted()
      cause = error
      reason = error instanceof RocketMQError ? error.message : saysOf(error)
    }
    throw new ReplayError({ group, msgId, replayed, reason }, cause)
  }
}

/** A dead letter as the message that it was. */
function messageAgain(message: ReceivedMessage, wanted: string | undefined): Message {
  const { properties, body, tag, keys, flag } = message
  const own = [...properties].filter(([name]) => !isReservedProperty(name))
  const origin = properties.get(Property.RETRY_TOPIC) ?? properties.get(Property.DLQ_ORIGIN_TOPIC)
  const topic = wanted ?? origin ?? message.topic
  return { topic, body, tag, keys, flag, properties: Object.fromEntries(own) }
}
