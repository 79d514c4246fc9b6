import { withoutNamespace } from '@skylarkmq/protocol'
import type { Sharing } from '../consumer/sharing.ts'
import type { ProcessQueue } from '../consumer/process-queue.ts'
import { seconds, type ConsumerHealth, type HealthLimits, type QueueHealth } from './health.ts'

/** What a consumer knows of itself. */
export interface ConsumerHealthParts {
  readonly group: string
  readonly clientId: string
  readonly namespace: string | undefined
  readonly state: 'new' | 'starting' | 'running' | 'closed'
  /** Since when it is in this state, or closed, on the monotonic clock. */
  readonly sinceMs: number
  readonly isSuspended: boolean
  readonly queues: readonly ProcessQueue[]
  readonly topics: readonly string[]
  readonly sharing: Sharing | undefined
  readonly running: number
  /** When the call of the listener began that runs longest; undefined when none runs. */
  readonly oldestMs: number | undefined
  readonly nowMs: number
}

/** How a consumer does. */
export function consumerHealth(parts: ConsumerHealthParts, limits: HealthLimits): ConsumerHealth {
  const { group, clientId, namespace = '', nowMs, running, topics, sharing } = parts
  const looked = lookAt(parts, limits)
  const longestMs = parts.oldestMs === undefined ? 0 : nowMs - parts.oldestMs
  const state = stateOf(parts)
  const reasons = [
    ...stateReasons(parts, state, limits),
    ...looked.flatMap(({ reason }) => (reason === undefined ? [] : [reason])),
  ]
  if (longestMs > 0 && longestMs >= limits.slowMs && state !== 'closed') {
    reasons.push(`a handler has been running for ${seconds(longestMs)}`)
  }
  return {
    ok: reasons.length === 0,
    reasons,
    group: withoutNamespace(group, namespace),
    clientId,
    state,
    queues: looked.map(({ queue }) => queue),
    lag: looked.reduce((sum, { queue }) => sum + (queue.lag ?? 0), 0),
    running,
    longestMs: Math.round(longestMs),
    missingTopics: topics
      .filter((topic) => sharing?.isMissing(topic) === true)
      .map((topic) => withoutNamespace(topic, namespace)),
  }
}

function stateOf({ state, topics, sharing }: ConsumerHealthParts): ConsumerHealth['state'] {
  if (state === 'starting') return 'joining'
  if (state !== 'running') return state
  const isShared = sharing !== undefined && topics.every((topic) => sharing.isShared(topic))
  return isShared ? 'running' : 'joining'
}

function stateReasons(
  { sinceMs, nowMs, sharing, topics }: ConsumerHealthParts,
  state: ConsumerHealth['state'],
  { failingMs }: HealthLimits,
): string[] {
  if (state === 'new') return ['it does not run: run() was not called, or has failed']
  if (state === 'closed') return ['it is closed']
  if (state === 'joining') {
    return [`it has not joined its group yet, for ${seconds(nowMs - sinceMs)}`]
  }
  return topics.flatMap((topic) => {
    const since = sharing?.failingMs(topic)
    if (since === undefined || nowMs - since < failingMs) return []
    return [`the queues of ${topic} could not be shared out for ${seconds(nowMs - since)}`]
  })
}

/** A pull that takes so much longer than the last one took to fail, ms, is held by a broker that has no messages. */
const HELD_MS = 3_000

interface Looked {
  readonly queue: QueueHealth
  readonly reason: string | undefined
}

function lookAt(parts: ConsumerHealthParts, limits: HealthLimits): Looked[] {
  const { nowMs, namespace = '', isSuspended, queues } = parts
  const ago = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : Math.round(nowMs - ms)
  // Who has much waiting comes to some of it late: a queue is stuck when nothing moves, or when it alone was tried in vain.
  const movedMs = queues.reduce((last, each) => Math.max(last, each.consumedMs ?? 0), 0)
  const isStill = nowMs - movedMs >= limits.stuckMs
  return queues.map((each) => {
    const { topic, brokerName, queueId } = each.queue
    const { commitOffset: offset, endOffset, count: waiting } = each
    const name = `${withoutNamespace(topic, namespace)}, queue ${queueId} of ${brokerName}`
    const isPaused = isSuspended || each.isPaused
    const stillMs = waiting === 0 || each.movedMs === undefined ? 0 : nowMs - each.movedMs
    const isInVain = (each.consumedMs ?? -Infinity) > (each.movedMs ?? Infinity)
    const isStuck = !isPaused && stillMs >= limits.stuckMs && stillMs > 0 && (isStill || isInVain)
    const isHeld = nowMs - each.failedMs > each.failedTookMs + HELD_MS
    const failingMs = isHeld ? undefined : ago(each.failingMs)
    const isFailing = failingMs !== undefined && failingMs >= limits.failingMs
    let reason: string | undefined
    if (isFailing) reason = `${name}: pulls have failed for ${seconds(failingMs)}`
    else if (isStuck) {
      reason = `${name}: nothing was consumed for ${seconds(stillMs)}, and ${waiting} wait`
    }
    const lag =
      endOffset === undefined ? undefined : Math.max(0, endOffset - (offset ?? each.nextOffset))
    const queue = {
      topic: withoutNamespace(topic, namespace),
      ...{ brokerName, queueId, offset, endOffset, lag, waiting },
      pulledMsAgo: ago(each.pulledMs),
      consumedMsAgo: ago(each.consumedMs),
      failingMs,
      isPaused,
      isMoving: !isStuck && !isFailing,
    }
    return { queue, reason }
  })
}
