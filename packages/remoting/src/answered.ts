import { channel } from 'node:diagnostics_channel'
import type { FieldMap } from '@skylarkmq/protocol'

/** An answer that left: of which request, and what it says beside its body. */
export interface Answered {
  /** Name of the request, as in its row. */
  readonly request: string
  readonly code: number
  readonly fields: FieldMap
}

/**
 * Each answer to a request that is known, as `Answered`. The tests' recorder listens, in every process of theirs; without a
 * listener it costs a look.
 */
export const answered = channel('skylarkmq.request.answered')
