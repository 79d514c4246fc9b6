/**
 * Progress that counts what the log has up to an offset. It may be saved once that is on disk: saved sooner, it would count
 * what a power cut takes away.
 */
export class OnceFlushed<T> {
  #waiting: { readonly progress: T; readonly logEnd: number } | undefined

  /** Whether some progress waits. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined
  }

  /** Keeps the progress of now, in the place of what waited. */
  keep(progress: T, logEnd: number): void {
    this.#waiting = { progress, logEnd }
  }

  /** The progress, once the log is on disk as far as it counts; `forget` it when it is saved. */
  ready(flushedOffset: number): T | undefined {
    const waiting = this.#waiting
    return waiting !== undefined && flushedOffset >= waiting.logEnd ? waiting.progress : undefined
  }

  /** It is saved, or counts what is gone. */
  forget(): void {
    this.#waiting = undefined
  }
}
