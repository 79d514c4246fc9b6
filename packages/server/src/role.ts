import type { Env, Part } from '@skylarkmq/env'
import type { RunningServer } from './running-server.ts'

/** One of the servers of a process. What it serves is known once it has started. */
export interface Role extends Part {
  /** What a running server says of it. */
  readonly serves: Partial<RunningServer>
}

/** What roles share. */
export interface RoleHost {
  /** Makes the environment of one role; events of all go the same way. */
  readonly envFor: () => Env
  /** Keeps everything in memory. */
  readonly isEphemeral: boolean
}
