import type { Env } from '@skylarkmq/env'
import { queueKey, ResponseCode, SkylarkError, type SubscriptionData } from '@skylarkmq/protocol'
import { whatFailed } from '../background.ts'
import { BrokerError, saysOf } from '../errors.ts'
import { backgroundFailed, pullFailed } from '../events.ts'
import { pause } from '../pause.ts'
import { tracedNow, tracing, type ReceiveTrace } from '../tracing.ts'
import { isFull, type FlowLimits } from './flow-control.ts'
import type { Held, ProcessQueue } from './process-queue.ts'
import type { Pulled, Puller } from './pull.ts'
import type { PulledMessage } from './pulled-message.ts'

const SUSPENDED_MS = 50
const FAILED_MS = 1_000
const FLOW_CONTROL_MS = 20
/** Answers of a broker that lacks the newest heartbeat. */
const UNKNOWN: ReadonlySet<number> = new Set([
  ResponseCode.SUBSCRIPTION_NOT_EXIST,
  ResponseCode.SUBSCRIPTION_NOT_LATEST,
  ResponseCode.FILTER_DATA_NOT_EXIST,
  ResponseCode.FILTER_DATA_NOT_LATEST,
])

/** What the loops of one consumer share. */
export interface PullLoopParts {
  readonly env: Env
  readonly group: string
  readonly puller: Puller
  readonly limits: FlowLimits
  /** What all queues of the consumer hold. */
  readonly held: Held
  readonly countMax: number
  /** Pulls tell the broker how far the group has come. */
  readonly commits: boolean
  /** Nothing is pulled for now. */
  isSuspended(): boolean
  /** What the group wants of a topic now; undefined once it wants nothing. */
  subscription(topic: string): SubscriptionData | undefined
  /** Takes messages to consume; they are in the queue already. */
  consume(queue: ProcessQueue, messages: readonly PulledMessage[]): void
  /** A broker does not know yet who pulls, or what it wants. */
  unknownThere(): void
  /** Hears of each pull that was answered: how long it took, ms, and how many messages it brought. */
  pulled(topic: string, tookMs: number, count: number): void
  /** Hears of each pull that was not answered, or refused. */
  pullFailed(topic: string): void
  /** The offset to pull is not in the queue: it must be given up and taken again from `nextOffset`. */
  offsetMoved(queue: ProcessQueue, nextOffset: number): Promise<void>
}

/** Pulls one queue until it is given up. Apache: `DefaultMQPushConsumerImpl.java`, pullMessage. */
export async function runPullLoop(parts: PullLoopParts, queue: ProcessQueue): Promise<void> {
  const { env, held, limits } = parts
  const { clock } = env
  while (!queue.isDropped) {
    if (parts.isSuspended() || queue.isPaused) {
      await pause(clock, SUSPENDED_MS)
      continue
    }
    if (isFull(queue, held, limits)) {
      await queue.untilRoom(() => !isFull(queue, held, limits))
      continue
    }
    const subscription = parts.subscription(queue.queue.topic)
    if (subscription === undefined) return
    const waitMs = await pullOnce(parts, queue, subscription)
    if (waitMs > 0) await pause(clock, waitMs)
  }
}

/** Returns how long to wait before the next pull, ms. */
async function pullOnce(
  parts: PullLoopParts,
  queue: ProcessQueue,
  subscription: SubscriptionData,
): Promise<number> {
  const { clock } = parts.env
  const began = clock.monotonic()
  try {
    const pulled = await parts.puller.pull({
      group: parts.group,
      queue: queue.queue,
      offset: queue.nextOffset,
      countMax: parts.countMax,
      subscription,
      sendsSubscription: false,
      commitOffset: parts.commits ? queue.commitOffset : undefined,
    })
    queue.pulledMs = clock.monotonic()
    queue.failingMs = undefined
    queue.endOffset = pulled.endOffset
    parts.pulled(queue.queue.topic, queue.pulledMs - began, pulled.messages.length)
    if (!queue.isDropped) await take(parts, queue, pulled)
    return 0
  } catch (error) {
    if (queue.isDropped) return 0
    queue.failingMs ??= began
    queue.failedMs = clock.monotonic()
    queue.failedTookMs = queue.failedMs - began
    parts.pullFailed(queue.queue.topic)
    if (error instanceof SkylarkError) return waitAfter(parts, queue, error)
    const what = `reading ${queueKey(queue.queue)}`
    parts.env.events.emit(backgroundFailed, { what, reason: whatFailed(error) })
    return FAILED_MS
  }
}

async function take(parts: PullLoopParts, queue: ProcessQueue, pulled: Pulled): Promise<void> {
  // The queue ends before the offset: a power cut took its last messages, and others get their places. Messages that
  // wait here and are still there must not be passed over.
  if (pulled.status === 'moved' && pulled.nextOffset < queue.nextOffset) {
    await parts.offsetMoved(queue, Math.min(pulled.nextOffset, queue.offsetMin ?? Infinity))
    return
  }
  // Where retention took messages, those that wait here are consumed first.
  queue.nextOffset = pulled.nextOffset
  if (pulled.messages.length === 0) {
    queue.skippedTo(pulled.nextOffset)
    return
  }
  const { messages } = pulled
  const { topic, brokerName, queueId } = queue.queue
  const { group } = parts
  const trace = (): ReceiveTrace => ({ group, topic, brokerName, queueId, count: messages.length })
  tracedNow(tracing.receive, trace, () => {
    queue.put(messages)
    parts.consume(queue, messages)
  })
}

function waitAfter(parts: PullLoopParts, { queue }: ProcessQueue, error: SkylarkError): number {
  if (error instanceof BrokerError) {
    if (error.responseCode === ResponseCode.FLOW_CONTROL) return FLOW_CONTROL_MS
    // The broker has not seen the newest heartbeat yet, or has forgotten it.
    if (UNKNOWN.has(error.responseCode)) parts.unknownThere()
    if (error.responseCode === ResponseCode.SUBSCRIPTION_NOT_LATEST) return FAILED_MS
  }
  const name = `${queue.topic} on ${queue.brokerName}, queue ${queue.queueId}`
  parts.env.events.emit(pullFailed, { queue: name, reason: saysOf(error) })
  return FAILED_MS
}
