import {
  withoutControls,
  type FieldMap,
  type HeaderOf,
  type ReplyHeaderOf,
  type RequestDefinition,
} from '@skylarkmq/protocol'
import type { Connection } from './connection.ts'
import type { Lane } from './lanes.ts'

/** A definition of any fields. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- that is what it matches
export type AnyRequest = RequestDefinition<any, any>

/** A request as a processor sees it. */
export interface Request<D extends AnyRequest = AnyRequest> {
  readonly definition: AnyRequest
  readonly header: HeaderOf<D>
  /**
   * The body; undefined when there is none. It is valid until the processor returns (its promise, or
   * its reply): a processor that waits copies what it still needs before.
   */
  readonly body: Buffer | undefined
  readonly connection: Connection
  readonly opaque: number
  /** Ordinal of MQVersion that the peer claims. */
  readonly version: number
  /** Ordinal of LanguageCode; undefined when the peer named one that is not known. */
  readonly language: number | undefined
  readonly isOneway: boolean
  /** The header as text, unknown fields included. Costs a second decoding on the hot path. */
  fields(): FieldMap
}

/** An answer. */
export interface Reply<D extends AnyRequest = AnyRequest> {
  /** A response code; 0 is success. */
  readonly code: number
  readonly remark?: string | undefined
  readonly header?: ReplyHeaderOf<D> | undefined
  /** Fields beyond the declared ones. */
  readonly fields?: FieldMap | undefined
  /** Copied before the turn ends: views of shared memory may be given. */
  readonly body?: Uint8Array | readonly Uint8Array[] | undefined
  /** Set when the answer is true only once this turn's log write succeeds. */
  readonly holdsIfWritten?: boolean | undefined
}

/** What a processor returns when the request, by its nature, gets no answer. */
export const NO_REPLY = Symbol('no reply')

/**
 * An answer that was held and is built once the peer takes what it is sent: a peer that leaves its answers unread costs
 * neither the time nor the memory of those that follow.
 */
export class HeldReply<D extends AnyRequest = AnyRequest> {
  /** Builds the answer; called once, or never when the peer is gone. */
  readonly build: () => Outcome<D>

  constructor(build: () => Outcome<D>) {
    this.build = build
  }
}

/** An answer, now or later. */
export type Outcome<D extends AnyRequest = AnyRequest> =
  Reply<D> | typeof NO_REPLY | HeldReply<D> | Promise<Reply<D> | typeof NO_REPLY | HeldReply<D>>

/** Serves one request. `context` is what the server's processors share. */
export type Processor<C, D extends AnyRequest> = (context: C, request: Request<D>) => Outcome<D>

/**
 * Decides whether a request reaches its processor: returns undefined to let it pass, or the reply that turns it away. It
 * sees the request and its connection, and runs once per request, so it must be cheap.
 */
export type Gate<C> = (context: C, request: Request) => Reply | undefined

/** How a server serves one kind of request. */
export interface Service<C, D extends AnyRequest> {
  readonly process: Processor<C, D>
  /** What may turn the request away, in this order. */
  readonly gates?: readonly Gate<C>[]
  /** What limits how many of them are under way; undefined when they never wait. */
  readonly lane?: Lane
}

/** One service per request of a list; a request without one does not compile. */
export type ServiceTable<C, T extends Readonly<Record<string, AnyRequest>>> = {
  readonly [K in keyof T]: Service<C, T[K]>
}

/** One processor per request of a list; a request without one does not compile. */
export type ProcessorTable<C, T extends Readonly<Record<string, AnyRequest>>> = {
  readonly [K in keyof T]: Processor<C, T[K]>
}

/** Services without gates and lanes: for a client, which is asked by brokers that it chose. */
export function alwaysServed<C, T extends Readonly<Record<string, AnyRequest>>>(
  processors: ProcessorTable<C, T>,
): ServiceTable<C, T> {
  const services = Object.entries<unknown>(processors).map(([name, process]) => [name, { process }])
  return Object.fromEntries(services) as ServiceTable<C, T>
}

/** Success, with nothing more to say. */
export const OK: Reply = { code: 0 }

/** An answer that says no. What of the request is in the remark comes without its control characters. */
export function refuse(code: number, remark: string): Reply {
  return { code, remark: withoutControls(remark) }
}
