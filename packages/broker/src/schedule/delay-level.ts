/** Milliseconds of the units that a level may be written in. */
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Levels of stock Apache brokers, 1 to 18. */
export const DEFAULT_DELAY_LEVELS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h'

/**
 * Delays by level: `delays[level]` in ms, `delays[0]` unused. Undefined when the text is not a list of
 * numbers with units. Apache: `ScheduleMessageService.java`, parseDelayLevel.
 */
export function parseDelayLevels(text: string): number[] | undefined {
  const delays = [0]
  for (const word of text.trim().split(/\s+/)) {
    const [, number, unit = ''] = /^(\d+)([smhd])$/.exec(word) ?? []
    const unitMs = UNIT_MS[unit]
    if (number === undefined || unitMs === undefined) return undefined
    delays.push(Number(number) * unitMs)
  }
  return delays
}
