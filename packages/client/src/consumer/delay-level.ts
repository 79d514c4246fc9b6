/** Delays of the broker's levels, ms, from level 1 on, unless its messageDelayLevel says otherwise. */
const LEVELS_MS = [
  1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200,
].map((seconds) => seconds * 1000)

/** What sends a message to the dead-letter queue. */
export const DEAD_LETTER = { delayLevel: -1 } as const

/** The first level whose delay is not shorter than `ms`; the last one when all are. */
export function levelFor(ms: number): number {
  const index = LEVELS_MS.findIndex((each) => each >= ms)
  return index < 0 ? LEVELS_MS.length : index + 1
}
