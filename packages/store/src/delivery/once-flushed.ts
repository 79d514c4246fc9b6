/**
 * Progress that depends on the log up to an offset. It may be saved only once the log is on disk up to there:
 * otherwise it would count deliveries that a power cut loses.
 */
export class OnceFlushed<T> {
  #waiting: { readonly progress: T; readonly logEnd: number } | undefined

  /** Whether progress is pending. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined
  }

  /** Replaces the pending progress. */
  keep(progress: T, logEnd: number): void {
    this.#waiting = { progress, logEnd }
  }

  /** The progress, if the log is on disk far enough; call `forget` after saving it. */
  ready(flushedOffset: number): T | undefined {
    const waiting = this.#waiting
    return waiting !== undefined && flushedOffset >= waiting.logEnd ? waiting.progress : undefined
  }

  /** Drops the progress: it was saved, or a cut invalidated it. */
  forget(): void {
    this.#waiting = undefined
  }
}
