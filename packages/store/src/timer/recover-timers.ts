import type { TimerCheckFile } from './timer-check-point.ts'
import type { TimerLog } from './timer-log.ts'
import { TimerMagic, isPutBack, type TimerUnit } from './timer-log-unit.ts'
import type { TimerWheel } from './timer-wheel.ts'

/** Without a check point, slots of this time span count as not delivered, as in Apache. */
const UNKNOWN_MS = 7 * 24 * 3600 * 1000

/** Without a check point, as in a young store, a commit log of up to this size is searched completely. */
const SMALL_BYTES = 64 * 1024 * 1024

/** The state of the timers found at a start. */
export interface RecoveredTimers {
  /** First slot that may not be delivered. */
  readonly readTimeMs: number
  /** First message of the timer queue that may not be in the wheel. */
  readonly queueOffset: number
  /** Physical offsets of messages from there on that are in the wheel. */
  readonly enqueued: Set<number>
  /** Position in the timer log from which on their units may be. */
  readonly timerLogFrom: number
  /** Whether the timer log ends before the end that the check point states. */
  readonly isLost: boolean
  /** Messages before this offset of the timer queue were in a wheel that is lost … */
  readonly rebuildEnd: number
  /** … and were delivered if due by this time, in a slot before `readTimeMs`. */
  readonly deliveredMs: number
  /** Offset of the commit log from which on there may be deliveries beyond the check point; undefined when unknown. */
  readonly commitLogEnd: number | undefined
}

/** Facts about the store that the recovery of timers needs. */
export interface TimersWere {
  /** Whether the last stop was clean. */
  readonly clean: boolean
  readonly nowSlotMs: number
  readonly commitLogEnd: number
  /** Whether the commit log has the message of a unit and confirms what the unit states. */
  readonly bearsOut: (unit: TimerUnit) => boolean
}

/**
 * Puts the units behind the check point back into the wheel, and cuts the timer log behind its last intact unit.
 * Throws the host's error. Apache: `TimerMessageStore.java`, recover.
 */
export function recoverTimers(
  check: TimerCheckFile | undefined,
  log: TimerLog,
  wheel: TimerWheel,
  was: TimersWere,
): RecoveredTimers {
  const enqueued = new Set<number>()
  // After a power cut the timer log may be ahead of the commit log.
  const isThere = (unit: TimerUnit): boolean => unit.physicalOffset < was.commitLogEnd
  if (check === undefined) {
    log.recover(0, was.clean, (unit, position) => {
      if (!isThere(unit) || isPutBack(unit) || !was.bearsOut(unit)) return false
      chain(wheel, unit, position)
      enqueued.add(unit.physicalOffset)
      return true
    })
    const readTimeMs = log.isEmpty ? was.nowSlotMs : was.nowSlotMs - UNKNOWN_MS
    const commitLogEnd = was.commitLogEnd < SMALL_BYTES ? 0 : undefined
    const unknown = { timerLogFrom: 0, isLost: true, rebuildEnd: 0, deliveredMs: 0, commitLogEnd }
    return { readTimeMs, queueOffset: 0, enqueued, ...unknown }
  }
  return recoverFrom(check, log, wheel, { ...was, isThere })
}

function recoverFrom(
  check: TimerCheckFile,
  log: TimerLog,
  wheel: TimerWheel,
  was: TimersWere & { readonly isThere: (unit: TimerUnit) => boolean },
): RecoveredTimers {
  const { lastReadTimeMs, lastTimerLogFlushPos, lastTimerQueueOffset, logOffset } = check
  const isKnown = (position: number): boolean => position < lastTimerLogFlushPos
  // A message that a stop put back without saving a check point is still in its old place. The check point names no
  // torn unit.
  const isSound = (unit: TimerUnit, position: number): boolean =>
    was.isThere(unit) &&
    (isKnown(position) || (!isPutBack(unit) && unit.slotMs >= lastReadTimeMs && was.bearsOut(unit)))
  // Another broker's wheel may be older than its log after a crash, and newer after a power cut.
  const isDoubtful = !wheel.isThere || (!was.clean && logOffset === undefined)
  log.recover(isDoubtful ? 0 : lastTimerLogFlushPos, was.clean, isSound)
  const isLost = log.end < lastTimerLogFlushPos
  const isWhole = isDoubtful || isLost
  const enqueued = new Set<number>()
  if (isWhole) wheel.dropBehind(log.end, lastReadTimeMs)
  log.recover(isWhole ? 0 : lastTimerLogFlushPos, was.clean, (unit, position) => {
    if (!isSound(unit, position)) return false
    if (unit.slotMs >= lastReadTimeMs) chain(wheel, unit, position)
    if (isLost || !isKnown(position)) enqueued.add(unit.physicalOffset)
    return true
  })
  return {
    readTimeMs: lastReadTimeMs,
    queueOffset: isLost ? 0 : lastTimerQueueOffset,
    enqueued,
    timerLogFrom: isLost ? 0 : Math.min(lastTimerLogFlushPos, log.end),
    isLost,
    rebuildEnd: isLost ? Math.max(lastTimerQueueOffset, check.rebuildEnd) : check.rebuildEnd,
    deliveredMs: check.rebuildEnd > 0 ? check.deliveredMs : check.dataVersion.timestamp,
    commitLogEnd: logOffset,
  }
}

/** Puts a unit into its slot, unless it is there. */
function chain(wheel: TimerWheel, unit: TimerUnit, position: number): void {
  const slot = wheel.slot(unit.slotMs)
  if (slot !== undefined && position <= slot.last) {
    // What a killed process wrote may not be on disk, so it is written again.
    wheel.put(unit.slotMs, slot)
    return
  }
  wheel.put(unit.slotMs, {
    first: slot?.first ?? position,
    last: position,
    count: (slot?.count ?? 0) + ((unit.magic & TimerMagic.DELETE) === 0 ? 1 : -1),
  })
}
