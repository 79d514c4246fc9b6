const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** The delays of `messageDelayLevel` in ms; place 0 is level 1. A level that cannot be read counts as 1 s. */
export function parseDelayLevels(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .map((level) => {
      const parts = /^(\d+)([smhd])$/.exec(level)
      return parts === null ? 1000 : Number(parts[1]) * (UNIT_MS[parts[2] as string] as number)
    })
}

/**
 * When a delayed message is due, in ms. A level above the highest counts as the highest; undefined for a
 * level that is none. Apache: `CommitLog.java`, checkMessageAndReturnSize.
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
