import { Histogram } from './histogram.ts'
import type { ConsumerMetrics } from './snapshot.ts'

/** As Apache's 5.x clients have them, ms. */
const PROCESS_MS = [1, 5, 10, 100, 1_000, 10_000, 60_000]

/** What a group consumed of one topic. */
export class ConsumeTopicCounts {
  readonly #consumed = new Histogram(PROCESS_MS)
  readonly #failed = new Histogram(PROCESS_MS)
  #pulls = 0
  #failedPulls = 0
  #received = 0
  #sentBack = 0
  #deadLetters = 0

  /** A pull was answered, with so many messages. */
  pulled(messages: number): void {
    this.#pulls++
    this.#received += messages
  }

  /** A pull was not answered, or refused. */
  pullFailed(): void {
    this.#failedPulls++
  }

  /** A handler ended. */
  handled(tookMs: number, isConsumed: boolean): void {
    if (isConsumed) this.#consumed.observe(tookMs)
    else this.#failed.observe(tookMs)
  }

  /** A message was given back, to come again or as a dead letter. */
  sentBack(isDead: boolean): void {
    if (isDead) this.#deadLetters++
    else this.#sentBack++
  }

  /** What was counted, and what waits. */
  snapshot(
    of: Pick<ConsumerMetrics, 'group' | 'topic' | 'waiting' | 'waitingBytes' | 'lag'>,
  ): ConsumerMetrics {
    return {
      ...of,
      pulls: this.#pulls,
      failedPulls: this.#failedPulls,
      received: this.#received,
      sentBack: this.#sentBack,
      deadLetters: this.#deadLetters,
      consumedMs: this.#consumed.snapshot(),
      failedMs: this.#failed.snapshot(),
    }
  }
}
