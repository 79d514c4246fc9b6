import type { Clock } from '@skylarkmq/env'
import type { BrokerStats } from './broker-stats.ts'

/** Totals of the broker at the last two midnights. Apache: `BrokerStats.java`. */
export class DayCounts {
  putYesterday = 0
  putToday = 0
  getYesterday = 0
  getToday = 0
  readonly #clock: Clock
  readonly #stats: BrokerStats
  #day: number

  constructor(clock: Clock, stats: BrokerStats) {
    this.#clock = clock
    this.#stats = stats
    this.#day = dayOf(clock.now())
  }

  /** Notes the totals if a new day has begun; called every few seconds. */
  tick(): void {
    const day = dayOf(this.#clock.now())
    if (day === this.#day) return
    this.#day = day
    this.putYesterday = this.putToday
    this.getYesterday = this.getToday
    this.putToday = this.#stats.putTotal
    this.getToday = this.#stats.getTotal
  }
}

/** Days since 1970 in this host's time zone. */
function dayOf(ms: number): number {
  const offsetMs =
    new Intl.DateTimeFormat().resolvedOptions().timeZone === 'UTC' ? 0 : zoneOffsetMs(ms)
  return Math.floor((ms + offsetMs) / 86_400_000)
}

function zoneOffsetMs(ms: number): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'longOffset' }).formatToParts(ms)
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? 'GMT'
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d+):?(\d+)?/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
