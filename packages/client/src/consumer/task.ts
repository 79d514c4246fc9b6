import type { Line } from '../line.ts'
import type { ReceivedMessage } from '../message.ts'
import type { ProcessQueue } from './process-queue.ts'
import type { PulledMessage } from './pulled-message.ts'

/** The messages of one key: one is on its way or being handled, the others wait. */
export interface Lane {
  readonly key: string
  readonly waiting: Line<Waiting>
}

/** What may have a lane: it is the one of its key that is on its way. */
export interface Laned {
  lane?: Lane | undefined
  /** What was thrown when its key was asked for. */
  thrown?: { readonly thrown: unknown } | undefined
}

/** A message that waits to be handed over. */
export interface Waiting extends Laned {
  readonly queue: ProcessQueue
  pulled: PulledMessage
  /** Since when it is kept here because its listener wants that, on the monotonic clock. */
  readonly heldSinceMs?: number | undefined
}

/** A message that the listener is called with. */
export interface Task extends Laned {
  readonly queue: ProcessQueue
  readonly message: ReceivedMessage
  /** As that of Waiting. */
  readonly heldSinceMs: number | undefined
}
