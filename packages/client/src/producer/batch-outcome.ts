import type { SendResult } from './send-result.ts'

/** What became of a batch of which only some parts are stored; messages are named by their places in the list that was given. */
export interface BatchOutcome {
  /** The topic of the batch. */
  readonly topic: string
  /** A result for each part that is stored. */
  readonly results: readonly SendResult[]
  /** The messages of these parts, in the order of their ids. */
  readonly stored: readonly number[]
  /** Those of the part that failed: not stored, or, when an answer was lost, perhaps. */
  readonly failed: readonly number[]
  /** Those that were not sent any more. */
  readonly unsent: readonly number[]
  /** Why the part failed. */
  readonly reason: string
}
