import type { FieldMap, Serialization } from '@skylarkmq/protocol'
import type { OutputBudget } from './output-budget.ts'
import type { TurnShares } from './turn-shares.ts'

/** A request as a connection sends it. */
export interface OutgoingRequest {
  readonly code: number
  /** For errors and logs. */
  readonly name: string
  readonly fields?: FieldMap
  /** In place of `fields`: see CommandToWrite. */
  readonly fieldsJson?: string | undefined
  readonly body?: Uint8Array | readonly Uint8Array[]
  /** How long its answer takes as a rule when the peer is there, ms at most; by default a third of the time that it has, 1 s to 3 s. */
  readonly patienceMs?: number | undefined
}

/** How a connection came to its end: the peer or the network ended it, this side did, or nothing came by it any more. */
export type ConnectionEnd = 'lost' | 'left' | 'silent'

/** How a connection is set up. */
export interface ConnectionOptions {
  /** This side made the connection, by default it did not: see Connection. */
  readonly isClient?: boolean
  readonly budget?: OutputBudget
  /** What connections share the turns of the event loop by; without, this one has its own. */
  readonly turns?: TurnShares
  /** The header serialisation of requests that this side sends. */
  readonly serialization?: Serialization
  /** `ip:port` of the peer when a proxy in between named it. */
  readonly peer?: string
  /** Monotonic ms of the first contact. */
  readonly openedMs?: number
}
