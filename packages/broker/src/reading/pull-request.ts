import type { HeaderOf, PullMessage } from '@skylarkmq/protocol'
import type { Request } from '@skylarkmq/remoting'

/** A pull as its processor sees it. */
export type PullRequest = Request<typeof PullMessage>
/** The header of a pull. */
export type PullHeader = HeaderOf<typeof PullMessage>
