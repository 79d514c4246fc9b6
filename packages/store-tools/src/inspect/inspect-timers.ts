import type { Disk } from '@skylarkmq/env'
import type { StoreConfig } from '@skylarkmq/store'
import { TimerMagic, timerPrecision } from '@skylarkmq/store/internals'
import { TimerFiles } from '../check/timer-files.ts'

/** A message in the timer wheel. */
export interface InspectedTimer {
  /** Start time of its slot, ms. */
  readonly slotMs: number
  /** When it is due; undefined when only its slot is known, at whose end it is delivered. */
  readonly dueMs: number | undefined
  /** Physical offset of the message in the commit log. */
  readonly physicalOffset: number
  /** Position of its unit in the timer log. */
  readonly position: number
  /** `roll`: moved to a later slot then; `recall`: recalls another message of its slot. */
  readonly what: 'deliver' | 'roll' | 'recall'
}

/** The timer messages in the files. */
export interface InspectedTimers {
  /** All earlier slots are delivered, ms; undefined without config/timercheck. */
  readonly readTimeMs: number | undefined
  /** All earlier messages of the timer queue are in the wheel. */
  readonly queueOffset: number | undefined
  /** How far the timer log was on disk at the last check point. */
  readonly checkedLogEnd: number | undefined
  readonly logFiles: number
  readonly logEnd: number
  readonly logUnits: number
  readonly slots: number
  readonly waiting: number
  readonly firstSlotMs: number | undefined
  readonly lastSlotMs: number | undefined
  /** The first ones, by slot. */
  readonly next: readonly InspectedTimer[]
}

/**
 * The messages in the timer wheel of a store, and the first `count` of them from a time on. While a broker runs, the
 * newest ones are missing. Throws the host's error.
 */
export function inspectTimers(
  disk: Disk,
  config: StoreConfig,
  { from = 0, count = Infinity }: { from?: number; count?: number } = {},
): InspectedTimers {
  const files = new TimerFiles(disk, config.storePathRootDir, timerPrecision(config))
  try {
    const check = files.checkPoint()
    const end = files.walk(() => undefined)
    const slots = files.slots(check?.lastReadTimeMs ?? 0)
    const next: InspectedTimer[] = []
    for (const { slotMs, last } of slots) {
      if (next.length >= count) break
      if (slotMs >= from) next.push(...unitsOf(files, slotMs, last))
    }
    return {
      readTimeMs: check?.lastReadTimeMs,
      queueOffset: check?.lastTimerQueueOffset,
      checkedLogEnd: check?.lastTimerLogFlushPos,
      logFiles: files.segments.length,
      logEnd: end.offset,
      logUnits: end.units,
      slots: slots.length,
      waiting: slots.reduce((sum, slot) => sum + slot.count, 0),
      firstSlotMs: slots[0]?.slotMs,
      lastSlotMs: slots.at(-1)?.slotMs,
      next: next.slice(0, count),
    }
  } finally {
    files.close()
  }
}

/** The units of a slot in the order in which they were added; units with a broken link are left out. */
function unitsOf(files: TimerFiles, slotMs: number, last: number): InspectedTimer[] {
  const found: InspectedTimer[] = []
  for (let position = last; position >= 0;) {
    const unit = files.unitAt(position)
    if (unit === undefined || unit.previous >= position) break
    const { magic, dueMs, physicalOffset } = unit
    const isRolled = (magic & TimerMagic.ROLL) !== 0
    const isRecall = (magic & TimerMagic.DELETE) !== 0
    const what = isRolled ? 'roll' : isRecall ? 'recall' : 'deliver'
    const due = dueMs > 0 ? dueMs : undefined
    found.push({ slotMs, dueMs: due, physicalOffset, position, what })
    position = unit.previous
  }
  return found.reverse()
}
