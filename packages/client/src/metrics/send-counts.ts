import { RocketMQError } from '../errors.ts'
import type { SendStatus } from '../producer/send-result.ts'
import { Histogram } from './histogram.ts'
import type { SendMetrics } from './snapshot.ts'

/** As Apache's 5.x clients have them, ms. */
const SEND_MS = [1, 5, 10, 20, 50, 200, 500]

/** What was sent to one topic. */
export class SendCounts {
  readonly #statuses: Record<SendStatus, number> = {
    ...{ SEND_OK: 0, FLUSH_DISK_TIMEOUT: 0, FLUSH_SLAVE_TIMEOUT: 0, SLAVE_NOT_AVAILABLE: 0 },
  }
  readonly #failures = new Map<string, number>()
  readonly #took = new Histogram(SEND_MS)
  #messages = 0
  #bytes = 0
  #oneway = 0
  #retries = 0

  /** A request was stored: so many messages, and bytes as they went over the wire. */
  stored(status: SendStatus, tookMs: number, messages: number, bytes: number): void {
    this.#statuses[status]++
    this.#messages += messages
    this.#bytes += bytes
    this.#took.observe(tookMs)
  }

  /** A message was sent that no answer comes for. */
  sentOneway(bytes: number): void {
    this.#oneway++
    this.#bytes += bytes
  }

  /** A request is tried again. */
  retried(): void {
    this.#retries++
  }

  /** A request had no good answer, whatever was tried. */
  failed(error: unknown): void {
    const code = error instanceof RocketMQError ? error.code : 'other'
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1)
  }

  /** What was counted. */
  snapshot(topic: string): SendMetrics {
    return {
      topic,
      statuses: { ...this.#statuses },
      failures: Object.fromEntries(this.#failures),
      messages: this.#messages,
      bytes: this.#bytes,
      oneway: this.#oneway,
      retries: this.#retries,
      tookMs: this.#took.snapshot(),
    }
  }
}
