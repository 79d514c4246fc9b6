const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Levels of stock Apache brokers, 1 to 18. */
export const DEFAULT_DELAY_LEVELS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h'

/**
 * The delays of `messageDelayLevel` in ms; index 0 is level 1. An invalid text gives the levels of stock brokers; a
 * configuration file cannot contain one, because neither our broker nor Apache's starts with it.
 * Apache: `ScheduleMessageService.java`, parseDelayLevel.
 */
export function delaysOfLevels(text: string): number[] {
  return parseDelayLevels(text) ?? parseDelayLevels(DEFAULT_DELAY_LEVELS) ?? []
}

/** What is wrong with a `messageDelayLevel`; undefined when it is valid. */
export function delayLevelProblem(text: string): string | undefined {
  if (parseDelayLevels(text) !== undefined) return undefined
  return 'it must be a list of whole numbers, each with s, m, h or d behind it'
}

function parseDelayLevels(text: string): number[] | undefined {
  const delays: number[] = []
  for (const word of text.trim().split(/\s+/)) {
    const [, number, unit = ''] = /^(\d+)([smhd])$/.exec(word) ?? []
    const unitMs = UNIT_MS[unit]
    if (number === undefined || unitMs === undefined) return undefined
    delays.push(Number(number) * unitMs)
  }
  return delays
}

/**
 * When a delayed message is due, in ms. A level above the highest counts as the highest; undefined for a level below
 * 1. Apache: `CommitLog.java`, checkMessageAndReturnSize.
 */
export function deliverTimestamp(
  levels: readonly number[],
  level: number,
  storeTimestamp: number,
): number | undefined {
  if (!(level > 0)) return undefined
  const delayMs = levels[Math.min(level, levels.length) - 1]
  return delayMs === undefined ? undefined : storeTimestamp + delayMs
}
