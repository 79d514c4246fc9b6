import type { Env } from '@skylarkmq/env'
import { saysOf } from '../errors.ts'
import { listenerFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import type { ReceivedBodies } from '../received-bodies.ts'
import type { ConsumerTrace } from '../trace/consumer-trace.ts'
import { tracing, type ProcessTrace } from '../tracing.ts'
import { isThenable, type UserContext } from '../user-code.ts'
import type { CallLimit, RunningCall } from './call-limit.ts'
import type { ConcurrencyKey } from './keyed-line.ts'
import type { ProcessQueue } from './process-queue.ts'
import type { PulledMessage } from './pulled-message.ts'
import type { RateLimit } from './rate-limit.ts'

/**
 * What a listener says of a message: `later` has it come again after a while; `delayLevel` after that of a level, or, below
 * 0, has it go to the dead-letter queue; `suspendMs` after about so long, and where messages are consumed in order its
 * queue waits for it; `holdMs` keeps it here and has it handed over again after so long, which counts as no attempt; `left`
 * was not consumed, and is for the next owner of the queue. Nothing means success.
 */
export type ConsumeResult =
  | 'success'
  | 'later'
  | 'left'
  | { readonly delayLevel: number }
  | { readonly suspendMs: number }
  | { readonly holdMs: number }
  | undefined

/**
 * Consumes one message. What it throws, or rejects with, counts as `later`.
 */
export type MessageListener = (
  message: ReceivedMessage,
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a listener may return nothing
) => ConsumeResult | void | Promise<ConsumeResult | void>

/** What consuming needs of its consumer. */
export interface ConsumeParts {
  readonly env: Env
  readonly listener: MessageListener
  /** How long a call of the listener may take before its message is given up here. */
  readonly limit: CallLimit
  /** What the listener is called in. */
  readonly context: UserContext
  /** Calls of the listener that run at the same time, at most. */
  readonly concurrency: number
  /** How often calls may begin; undefined when that has no limit. */
  readonly rate?: RateLimit | undefined
  /** Messages of one key go one after the other; undefined when all may go at the same time. */
  readonly concurrencyKey?: ConcurrencyKey | undefined
  readonly bodies: ReceivedBodies
  /** Name of the group, for who traces. */
  readonly group: string
  /** Writes each call of the listener down; undefined when nobody wants that. */
  readonly trace?: ConsumerTrace | undefined
  /** Hears of each call of the listener: how long it took, ms, and whether it consumed the message. */
  counted(topic: string, tookMs: number, isConsumed: boolean): void
  /** Gives a message back to its broker, see `delayLevel` of ConsumeResult; false when that did not succeed. */
  sendBack(message: ReceivedMessage, delayLevel: number): Promise<boolean>
}

/** A way of handing the messages of queues to a listener. */
export interface Consuming {
  /** Calls of the listener that run. */
  readonly running: number
  /** Takes messages of a queue, which knows them already. */
  submit(queue: ProcessQueue, messages: readonly PulledMessage[]): void
  /** A queue is paused no more: what waits of it may be handed over. */
  resumed(queue: ProcessQueue): void
  /**
   * Before a queue is given up: hands over no more of it, and waits `withinMs` for the call that must end first. False
   * when it did not; then it continues.
   */
  release(queue: ProcessQueue, withinMs: number): Promise<boolean>
  /** Starts no more; resolves when no call of the listener runs. */
  close(): Promise<void>
}

/** How a message failed; undefined when it was consumed. */
export type Failure =
  | 'left'
  | { readonly delayLevel?: number; readonly suspendMs?: number; readonly holdMs?: number }
  | undefined

/**
 * Calls the listener with a message; answers at once when the listener did. Never throws or rejects: a listener is the
 * user's code. `call`, once it is late, was counted.
 */
export function callListener(
  parts: ConsumeParts,
  message: ReceivedMessage,
  call?: RunningCall,
): Failure | Promise<Failure> {
  const running: Listening = { parts, message, call, beganMs: parts.env.clock.monotonic() }
  let result: unknown
  try {
    parts.trace?.began(message)
    result = parts.context.run(() => useListener(parts, message))
    if (!isThenable(result)) return heard(running, failureOf(result))
  } catch (error) {
    return threw(running, error)
  }
  return heardLater(running, result)
}

/** A call of the listener that runs. */
interface Listening {
  readonly parts: ConsumeParts
  readonly message: ReceivedMessage
  readonly call: RunningCall | undefined
  /** Monotonic ms. */
  readonly beganMs: number
}

function useListener({ bodies, listener, group }: ConsumeParts, message: ReceivedMessage): unknown {
  const channel = tracing.process
  if (!channel.hasSubscribers) return bodies.use(message, listener)
  const { topic, msgId, properties, reconsumeTimes } = message
  const trace: ProcessTrace = { group, topic, msgId, properties, reconsumeTimes, message }
  const use = async (): Promise<unknown> => bodies.use(message, listener)
  return channel.tracePromise(() => (trace.wrap === undefined ? use() : trace.wrap(use)), trace)
}

async function heardLater(running: Listening, result: PromiseLike<unknown>): Promise<Failure> {
  try {
    return heard(running, failureOf(await result))
  } catch (error) {
    return threw(running, error)
  }
}

function threw(running: Listening, error: unknown): Failure {
  const { parts, message } = running
  const { topic, msgId } = message
  parts.env.events.emit(listenerFailed, { topic, msgId, reason: saysOf(error) })
  return heard(running, {})
}

function heard({ parts, message, call, beganMs }: Listening, failure: Failure): Failure {
  const isHeld = typeof failure === 'object' && failure.holdMs !== undefined
  const tookMs = parts.env.clock.monotonic() - beganMs
  if (!isHeld && call?.isLate !== true) parts.counted(message.topic, tookMs, failure === undefined)
  parts.trace?.ended(message, tookMs, failure === undefined)
  return failure
}

/** What a listener says, looked at: it may give anything. Throws what its getters throw. */
export function failureOf(result: unknown): Failure {
  if (result === 'left') return result
  if (result === 'later') return {}
  if (typeof result !== 'object' || result === null) return undefined
  const { delayLevel, suspendMs, holdMs } = result as Readonly<Record<string, unknown>>
  if (typeof holdMs === 'number' && holdMs >= 0) return { holdMs }
  if (typeof suspendMs === 'number' && suspendMs >= 0) return { suspendMs }
  return Number.isInteger(delayLevel) ? { delayLevel: delayLevel as number } : {}
}
