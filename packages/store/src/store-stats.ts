import type { Env } from '@skylarkmq/env'

const SAMPLES_MAX = 600
/** Length in samples of the periods over which put times are counted. */
const PERIOD_SAMPLES = 60
const PUT_TIME_BOUNDS_MS = [0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000, 10_000]
const PUT_TIME_NAMES = [
  '[<=0ms]',
  '[0~10ms]',
  '[10~50ms]',
  '[50~100ms]',
  '[100~200ms]',
  '[200~500ms]',
  '[500ms~1s]',
  '[1~2s]',
  '[2~3s]',
  '[3~4s]',
  '[4~5s]',
  '[5~10s]',
  '[10s~]',
]

interface Sample {
  readonly ms: number
  readonly put: number
  readonly found: number
  readonly miss: number
  readonly transferred: number
}

type Counter = Exclude<keyof Sample, 'ms'>

/** Counts what the store does, for GET_BROKER_RUNTIME_INFO. Apache: `StoreStatsService.java`. */
export class StoreStats {
  putTimes = 0
  putFailedTimes = 0
  putBytes = 0
  getFound = 0
  getMiss = 0
  transferred = 0
  getTimeMaxMs = 0
  readonly #env: Env
  readonly #bootMs: number
  #putTimeMaxMs = 0
  /** Put times of this period, and of the previous one, which is reported. */
  #putTimes = noPutTimes()
  #putTimesBefore = noPutTimes()
  #samplesSincePeriod = 0
  #samples: Sample[] = []

  constructor(env: Env) {
    this.#env = env
    this.#bootMs = env.clock.now()
  }

  /** Counts stored messages, and how long the call took. */
  put(messages: number, bytes: number, tookMs: number): void {
    this.putTimes += messages
    this.putBytes += bytes
    if (tookMs > this.#putTimeMaxMs) this.#putTimeMaxMs = tookMs
    let bucket = 0
    while (bucket < PUT_TIME_BOUNDS_MS.length && tookMs >= boundOf(bucket)) bucket++
    this.#putTimes[bucket] = (this.#putTimes[bucket] ?? 0) + 1
  }

  /** Must be called once a second. */
  sample(): void {
    this.#samples.push({
      // The monotonic clock, because the wall clock may be set.
      ms: this.#env.clock.monotonic(),
      put: this.putTimes,
      found: this.getFound,
      miss: this.getMiss,
      transferred: this.transferred,
    })
    if (this.#samples.length > SAMPLES_MAX + 1) this.#samples.shift()
    if (++this.#samplesSincePeriod < PERIOD_SAMPLES) return
    this.#samplesSincePeriod = 0
    this.#putTimesBefore = this.#putTimes
    this.#putTimes = noPutTimes()
  }

  #perSecond(counter: Counter, seconds: number): number {
    const last = this.#samples.at(-1)
    const before = this.#samples.at(-1 - seconds)
    if (last === undefined || before === undefined || last.ms <= before.ms) return 0
    return ((last[counter] - before[counter]) * 1000) / (last.ms - before.ms)
  }

  #rates(counters: readonly Counter[]): string {
    return [10, 60, 600]
      .map((seconds) => counters.reduce((sum, each) => sum + this.#perSecond(each, seconds), 0))
      .join(' ')
  }

  /** The put time below which `share` of the puts stayed, in ms. */
  #putLatency(share: number): string {
    const total = this.#putTimesBefore.reduce((sum, count) => sum + count, 0)
    let passed = 0
    for (const [i, count] of this.#putTimesBefore.entries()) {
      passed += count
      if (total === 0 || passed >= total * share) return (i === 0 ? 0 : boundOf(i - 1)).toFixed(2)
    }
    return boundOf(PUT_TIME_BOUNDS_MS.length - 1).toFixed(2)
  }

  /** The numbers with Apache's keys. */
  runtimeInfo(): Record<string, string> {
    // Apache reports 1 for none, to be able to divide by it; its tools show that.
    const times = this.putTimes === 0 ? 1 : this.putTimes
    return {
      bootTimestamp: String(this.#bootMs),
      runtime: durationText(this.#env.clock.now() - this.#bootMs),
      putMessageEntireTimeMax: String(Math.round(this.#putTimeMaxMs)),
      putMessageTimesTotal: String(times),
      putMessageFailedTimes: String(this.putFailedTimes),
      putMessageSizeTotal: String(this.putBytes),
      putMessageDistributeTime: PUT_TIME_NAMES.map(
        (n, i) => `${n}:${this.#putTimesBefore[i]} `,
      ).join(''),
      putMessageAverageSize: String(this.putBytes / times),
      dispatchMaxBuffer: '0',
      getMessageEntireTimeMax: String(Math.round(this.getTimeMaxMs)),
      putTps: this.#rates(['put']),
      getFoundTps: this.#rates(['found']),
      getMissTps: this.#rates(['miss']),
      getTotalTps: this.#rates(['found', 'miss']),
      getTransferredTps: this.#rates(['transferred']),
      putLatency99: this.#putLatency(0.99),
      putLatency999: this.#putLatency(0.999),
    }
  }
}

function noPutTimes(): number[] {
  return new Array<number>(PUT_TIME_NAMES.length).fill(0)
}

function boundOf(bucket: number): number {
  return bucket === 0 ? 1 : (PUT_TIME_BOUNDS_MS[bucket] as number)
}

function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24]
  const minutes = Math.floor(seconds / 60) % 60
  return `[ ${days} days, ${hours} hours, ${minutes} minutes, ${seconds % 60} seconds ]`
}
