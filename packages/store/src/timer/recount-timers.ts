import { javaHash } from '@skylarkmq/protocol'
import type { TimerUnit } from './timer-log-unit.ts'
import { isPutBack, TimerMagic } from './timer-log-unit.ts'
import type { TimerParts } from './timer-parts.ts'
import type { TimerSlot } from './timer-wheel.ts'
import { readWaiting } from './waiting-message.ts'

/**
 * Recounts the waiting messages of each topic from the wheel. A killed broker has an outdated count on disk; Apache's
 * lacks the changes of the last second even after a clean stop. Must be called before anything is delivered. Throws
 * the host's error. Apache: `TimerMessageStore.java`, checkAndReviseMetrics.
 */
export function recountTimers(parts: TimerParts): void {
  const { counts, log, wheel, readTimeMs } = parts
  const slots = new Map<number, TimerSlot>()
  let [total, first] = [0, Infinity]
  if (!wheel.isUnused) {
    wheel.forEach(readTimeMs, (slot, timeMs) => {
      slots.set(timeMs, slot)
      total += slot.count
      first = Math.min(first, slot.first)
    })
  }
  if (total === counts.total) return
  const topics = new Map<number, string>()
  for (const topic of counts.topics) topics.set(javaHash(topic), topic)
  const counted = new Map<string, number>()
  log.forEach((unit, position) => {
    const slot = slots.get(Math.floor(unit.slotMs / parts.precisionMs) * parts.precisionMs)
    if (slot === undefined || position < slot.first || position > slot.last) return
    const topic = topicOf(parts, unit, topics)
    if (topic === undefined) return
    const change = (unit.magic & TimerMagic.DELETE) === 0 ? 1 : -1
    counted.set(topic, (counted.get(topic) ?? 0) + change)
  }, first)
  counts.replace(counted)
}

/** The topic of a message in the wheel; undefined when the commit log no longer has it. */
function topicOf(
  { host, precisionMs }: TimerParts,
  unit: TimerUnit,
  topics: Map<number, string>,
): string | undefined {
  const known = isPutBack(unit) ? undefined : topics.get(unit.topicHash)
  if (known !== undefined) return known
  const record = host.recordAt(unit.physicalOffset, unit.recordBytes)
  const topic = record === undefined ? undefined : readWaiting(record, precisionMs)?.topic
  if (topic !== undefined) topics.set(javaHash(topic), topic)
  return topic
}
