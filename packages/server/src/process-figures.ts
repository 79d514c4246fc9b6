import { Histogram, type Clock, type Disk, type Timer } from '@skylarkmq/env'
import type { ProcessFigures } from '@skylarkmq/metrics'

/** How often the event loop is looked at. */
const PULSE_MS = 20
const DELAY_BOUNDS_MS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000]
const MICROSECONDS = 1e6
const OPEN_FILES = '/proc/self/fd'

/** Knows by how much the event loop is late, and what the process uses. */
export class ProcessWatch {
  readonly #clock: Clock
  readonly #disk: Disk
  readonly #version: string
  readonly #delays = new Histogram(DELAY_BOUNDS_MS)
  #pulse: Timer | undefined

  constructor(clock: Clock, disk: Disk, version: string) {
    this.#clock = clock
    this.#disk = disk
    this.#version = version
  }

  /**
   * Begins to look. A histogram of its own, and not that of `perf_hooks`: of this one sums and quantiles can be made over
   * any time and over several brokers, and no scrape takes anything away from another.
   */
  start(): void {
    let lastMs = this.#clock.monotonic()
    this.#pulse = this.#clock.every(PULSE_MS, () => {
      const now = this.#clock.monotonic()
      this.#delays.observe(Math.max(0, now - lastMs - PULSE_MS))
      lastMs = now
    })
  }

  /** Ends to look. */
  stop(): void {
    this.#pulse?.cancel()
  }

  /** The figures now. */
  readonly figures = (): ProcessFigures => {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
    return {
      cpuUserSeconds: user / MICROSECONDS,
      cpuSystemSeconds: system / MICROSECONDS,
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      externalBytes: external,
      startSeconds: Math.round(this.#clock.now() / 1000 - process.uptime()),
      openFiles: this.#openFiles(),
      version: this.#version,
      nodeVersion: process.version,
      loopDelays: this.#delays,
    }
  }

  #openFiles(): number | undefined {
    try {
      const count = this.#disk.list(OPEN_FILES).length
      return count === 0 ? undefined : count
    } catch {
      // Only some systems have the folder.
      return undefined
    }
  }
}
