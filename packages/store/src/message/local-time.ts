/** The parts of a local time. */
export interface LocalTime {
  readonly hour: number
  /** `yyyyMMddHHmmssSSS`. */
  readonly digits: string
}

/** The local time for ms since 1970. */
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
