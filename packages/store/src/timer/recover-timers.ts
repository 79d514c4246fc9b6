import type { TimerCheckFile } from './timer-check-point.ts'
import type { TimerLog } from './timer-log.ts'
import { TimerMagic, type TimerUnit } from './timer-log-unit.ts'
import type { TimerWheel } from './timer-wheel.ts'

/** Without a check point, slots of so long are taken for not delivered, as in Apache. */
const UNKNOWN_MS = 7 * 24 * 3600 * 1000

/** A commit log that is searched as a whole when there is no check point, which young stores do not have. */
const SMALL_BYTES = 64 * 1024 * 1024

/** What a start found of the messages that wait. */
export interface RecoveredTimers {
  /** First slot that may not be delivered. */
  readonly readTimeMs: number
  /** First message of their queue that may not be in the wheel. */
  readonly queueOffset: number
  /** Messages from there on that are in the wheel, by physical offset. */
  readonly enqueued: Set<number>
  /** Messages before this offset of their queue were in a wheel that is lost … */
  readonly rebuildEnd: number
  /** … and were delivered when they were due by this time, and in a slot before `readTimeMs`. */
  readonly deliveredMs: number
  /** From where on the commit log may have deliveries that are not accounted for; undefined when nobody knows. */
  readonly commitLogEnd: number | undefined
}

/**
 * Puts into the wheel what the timer log has behind the check point, and makes the log end with its last sound unit.
 * Throws the host's error. Apache: `TimerMessageStore.java`, recover.
 */
export function recoverTimers(
  check: TimerCheckFile | undefined,
  log: TimerLog,
  wheel: TimerWheel,
  was: { readonly clean: boolean; readonly nowSlotMs: number; readonly commitLogEnd: number },
): RecoveredTimers {
  const enqueued = new Set<number>()
  // After a power cut the timer log may be ahead of the commit log.
  const isThere = (unit: TimerUnit): boolean => unit.physicalOffset < was.commitLogEnd
  if (check === undefined) {
    log.recover(0, was.clean, (unit, position) => {
      if (!isThere(unit)) return false
      chain(wheel, unit, position, Infinity)
      enqueued.add(unit.physicalOffset)
      return true
    })
    const readTimeMs = log.isEmpty ? was.nowSlotMs : was.nowSlotMs - UNKNOWN_MS
    const commitLogEnd = was.commitLogEnd < SMALL_BYTES ? 0 : undefined
    const unknown = { rebuildEnd: 0, deliveredMs: 0, commitLogEnd }
    return { readTimeMs, queueOffset: 0, enqueued, ...unknown }
  }
  const { lastReadTimeMs, lastTimerLogFlushPos, lastTimerQueueOffset, logOffset } = check
  // Another broker's wheel may be older than its log after a crash, and newer after a power cut.
  const isDoubtful = !wheel.isThere || (!was.clean && logOffset === undefined)
  if (isDoubtful) log.recover(0, was.clean, isThere)
  const end = isDoubtful ? log.end : Infinity
  log.recover(isDoubtful ? 0 : lastTimerLogFlushPos, was.clean, (unit, position) => {
    if (!isThere(unit)) return false
    if (unit.slotMs >= lastReadTimeMs) chain(wheel, unit, position, end)
    if (position >= lastTimerLogFlushPos) enqueued.add(unit.physicalOffset)
    return true
  })
  const isLost = log.end < lastTimerLogFlushPos
  return {
    readTimeMs: lastReadTimeMs,
    queueOffset: isLost ? 0 : lastTimerQueueOffset,
    enqueued,
    rebuildEnd: isLost ? lastTimerQueueOffset : 0,
    deliveredMs: check.dataVersion.timestamp,
    commitLogEnd: logOffset,
  }
}

/** Puts a unit into its slot, unless it is there. A slot that leads behind the end of the log is begun anew. */
function chain(wheel: TimerWheel, unit: TimerUnit, position: number, logEnd: number): void {
  const found = wheel.slot(unit.slotMs)
  const slot = found !== undefined && found.last < logEnd ? found : undefined
  if (slot !== undefined && position <= slot.last) return
  wheel.put(unit.slotMs, {
    first: slot?.first ?? position,
    last: position,
    count: (slot?.count ?? 0) + ((unit.magic & TimerMagic.DELETE) === 0 ? 1 : -1),
  })
}
