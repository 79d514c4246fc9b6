/** Parts of a time on the clock of the host's place. */
export interface LocalTime {
  readonly hour: number
  /** `yyyyMMddHHmmssSSS`. */
  readonly digits: string
}

/** What the clock on the wall shows at a time given in ms since 1970. */
export function localTime(ms: number): LocalTime {
  const date = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`
  return {
    hour: date.getHours(),
    digits: day + time + String(date.getMilliseconds()).padStart(3, '0'),
  }
}
