import type { SendStatus } from '../producer/send-result.ts'
import type { HistogramSnapshot } from './histogram.ts'

/** What a client has sent to a topic since it was made. A batch is one request for each of its parts. */
export interface SendMetrics {
  /** Topic, without the namespace. */
  readonly topic: string
  /** Requests that were stored, by how safely. */
  readonly statuses: Readonly<Record<SendStatus, number>>
  /** Requests that were not, by the code of the error. */
  readonly failures: Readonly<Record<string, number>>
  /** Messages that were stored. */
  readonly messages: number
  /** Bytes of their bodies, and of those that were sent one-way, as they went over the wire. */
  readonly bytes: number
  /** Messages that were sent one-way. */
  readonly oneway: number
  /** Tries after the first one. */
  readonly retries: number
  /** How long a try took that was stored, ms. */
  readonly tookMs: HistogramSnapshot
}

/** What the members of a group here have consumed of a topic. */
export interface ConsumerMetrics {
  /** Name of the group, without the namespace. */
  readonly group: string
  /** Topic, without the namespace; `%RETRY%` and the group: what came again, until a handler has it. */
  readonly topic: string
  /** Pulls that were answered. */
  readonly pulls: number
  /** Pulls that were not, or were refused. */
  readonly failedPulls: number
  /** Messages that pulls brought. */
  readonly received: number
  /** Messages that were given back, to come again. */
  readonly sentBack: number
  /** Messages that were given back as dead letters by their handlers. */
  readonly deadLetters: number
  /** How long handlers took that consumed their message, ms. */
  readonly consumedMs: HistogramSnapshot
  /** How long those took that did not. */
  readonly failedMs: HistogramSnapshot
  /** Messages that were pulled and are not consumed, now. */
  readonly waiting: number
  /** Bytes of their bodies, as they came. */
  readonly waitingBytes: number
  /** Messages of the queues of this client that are not consumed, of those that the last pulls knew of. */
  readonly lag: number
}

/** What a client has done since it was made: plain data. */
export interface MetricsSnapshot {
  /** Id of the client. */
  readonly clientId: string
  /** By topic. */
  readonly sends: readonly SendMetrics[]
  /** By group and topic. */
  readonly consumers: readonly ConsumerMetrics[]
  /** Handlers that run, by group. */
  readonly groups: readonly { readonly group: string; readonly running: number }[]
  /** Connections to name servers and brokers. */
  readonly connections: {
    /** There are now. */
    readonly open: number
    /** Were made. */
    readonly made: number
    /** Of those, to an address that there had been one to. */
    readonly reconnects: number
    /** Could not be made. */
    readonly failed: number
    /** Ended, and this client had not wanted that. */
    readonly lost: number
  }
}
