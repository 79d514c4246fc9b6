import { Property, SkylarkError, SystemTopic, withoutNamespace } from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { saysOf } from '../errors.ts'
import { traceNotSent } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { uniqKeys } from '../producer/uniq-key.ts'
import { encodeSubAfter, encodeSubBefore } from './trace-data.ts'
import { TraceDispatcher } from './trace-dispatcher.ts'
import { traceSender } from './trace-sender.ts'

/** Of a message that its broker named no region for. */
const REGION = 'DefaultRegion'
/** Property of a message that is not to be traced. */
const TRACE_SWITCH = 'TRACE_ON'

/** What writes down the calls of a listener; undefined unless that is wanted. `group` is in its namespace. */
export function consumerTrace(
  client: ClientInstance,
  group: string,
  trace: boolean | { readonly topic: string } = false,
): ConsumerTrace | undefined {
  if (trace === false) return undefined
  const topic = trace === true ? SystemTopic.TRACE : client.wrapped(trace.topic)
  return new ConsumerTrace(client, group, topic)
}

/** Writes down in the trace topic what a consumer's listener got, and what became of it. Apache: `ConsumeMessageTraceHookImpl.java`. */
export class ConsumerTrace {
  readonly #client: ClientInstance
  readonly #group: string
  readonly #dispatcher: TraceDispatcher
  readonly #nextId: () => string
  /** Calls of the listener that run, each with the id that joins its two entries, and when it began, ms since 1970. */
  readonly #running = new WeakMap<ReceivedMessage, { readonly id: string; readonly at: number }>()

  /** `group` and `topic`, that of the trace, are in their namespaces. */
  constructor(client: ClientInstance, group: string, topic: string) {
    this.#client = client
    this.#group = withoutNamespace(group, client.namespace ?? '')
    this.#nextId = uniqKeys(client.env)
    const send = traceSender(client, group)
    this.#dispatcher = new TraceDispatcher(client.env.clock, async (body, keys) => {
      try {
        await send(topic, body, keys)
      } catch (error) {
        if (!(error instanceof SkylarkError)) throw error
        client.env.events.emit(traceNotSent, { topic, reason: saysOf(error) })
      }
    })
  }

  /** The listener is called with a message. */
  began(message: ReceivedMessage): void {
    // The broker decides whether its messages are traced.
    if (message.properties.get(TRACE_SWITCH) === 'false') return
    const { msgId, keys, properties, reconsumeTimes } = message
    const running = { id: this.#nextId(), at: this.#client.env.clock.now() }
    this.#running.set(message, running)
    const text = encodeSubBefore({
      timestamp: running.at,
      regionId: properties.get(Property.MSG_REGION) ?? REGION,
      ...{ group: this.#group, requestId: running.id, msgId, keys: keys.join(' ') },
      retryTimes: reconsumeTimes,
    })
    this.#dispatcher.add({ text, keys: [msgId, ...keys] })
  }

  /** The listener has ended with it. */
  ended(message: ReceivedMessage, tookMs: number, isSuccess: boolean): void {
    const running = this.#running.get(message)
    if (running === undefined) return
    const { msgId, keys } = message
    const text = encodeSubAfter({
      timestamp: running.at,
      ...{ group: this.#group, requestId: running.id, msgId, keys: keys.join(' ') },
      ...{ costMs: tookMs, isSuccess },
    })
    this.#dispatcher.add({ text, keys: [msgId, ...keys] })
  }

  /** Sends what waits, and what comes from now on at once. */
  hurry(): void {
    this.#dispatcher.hurry()
  }
}
