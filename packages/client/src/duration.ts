import { shown } from './check/check-options.ts'
import { OptionError } from './errors.ts'

/** A length of time: ms, or text such as `90s`, `10m`, `1h30m`, `2d`, `250ms`. */
export type Duration = number | string

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A length of time in ms. Throws RMQ_OPTION, which names `option`, when it is none. */
export function durationMs(duration: Duration, option: string): number {
  if (typeof duration === 'number') {
    if (duration >= 0 && !Number.isNaN(duration)) return duration
  } else if (
    typeof (duration as unknown) === 'string' &&
    /^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$/.test(duration)
  ) {
    let sumMs = 0
    for (const [, count = '', unit = ''] of duration.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g)) {
      sumMs += Number(count) * (UNIT_MS[unit] ?? 0)
    }
    return sumMs
  }
  const problem = `${shown(duration)} is no length of time: give ms, or text such as 90s, 10m, 1h30m`
  throw new OptionError({ option, problem })
}
