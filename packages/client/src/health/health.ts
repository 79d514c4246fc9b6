import { durationMs, type Duration } from '../duration.ts'

/** How long something may last before it counts as a reason not to be well. */
export interface HealthOptions {
  /** A queue has messages here, and none of them was consumed; default `5m`. */
  readonly stuckAfter?: Duration | undefined
  /** A handler runs; default `5m`. */
  readonly slowAfter?: Duration | undefined
  /** Nothing but failures: of the pulls of a queue, of joining a group, or of the sends of a producer; default `30s`. */
  readonly failingAfter?: Duration | undefined
}

/** A verdict, and why. */
export interface Health {
  /** Whether all goes well: what a readiness probe asks for. */
  readonly ok: boolean
  /** Why not, a sentence each; empty when it is well. */
  readonly reasons: readonly string[]
}

/** A queue that a consumer reads. */
export interface QueueHealth {
  /** Topic, without the namespace. */
  readonly topic: string
  /** Broker that has it. */
  readonly brokerName: string
  /** Number of the queue. */
  readonly queueId: number
  /** Offset that is consumed next, as the group stores it; undefined before anything is known. */
  readonly offset: number | undefined
  /** Offset behind its last message, when a pull was answered last; undefined before. */
  readonly endOffset: number | undefined
  /** Messages that are not consumed, of those the last pull knew of; undefined before it. */
  readonly lag: number | undefined
  /** Messages that were pulled and are not consumed. */
  readonly waiting: number
  /** How long ago a pull was answered, ms; undefined when none was. */
  readonly pulledMsAgo: number | undefined
  /** How long ago a handler ended with a message of it, ms; undefined when none did. */
  readonly consumedMsAgo: number | undefined
  /** How long pulls have failed, ms; undefined when the last one did not. */
  readonly failingMs: number | undefined
  /** Whether it is paused, or the consumer suspended. */
  readonly isPaused: boolean
  /** Whether it moves, or has nothing to do. */
  readonly isMoving: boolean
}

/** How a consumer does. */
export interface ConsumerHealth extends Health {
  /** Name of the group, without the namespace. */
  readonly group: string
  /** Id of this member. */
  readonly clientId: string
  /** `new`: not run yet; `joining`: waits for brokers, or for its share of the queues. */
  readonly state: 'new' | 'joining' | 'running' | 'closed'
  /** The queues of this member, sorted. */
  readonly queues: readonly QueueHealth[]
  /** Messages that are not consumed, in all queues whose end is known. */
  readonly lag: number
  /** Handlers that run. */
  readonly running: number
  /** How long the one runs that runs longest, ms; 0 when none does. */
  readonly longestMs: number
  /** Topics that are not there yet. */
  readonly missingTopics: readonly string[]
}

/** How a producer does. */
export interface ProducerHealth extends Health {
  /** Name of the group, without the namespace. */
  readonly group: string
  /** Whether it was closed. */
  readonly isClosed: boolean
  /** How long sends have failed, ms; undefined when the last one did not, or there was none. */
  readonly failingMs: number | undefined
  /** How long ago a send failed, ms; undefined when none did. */
  readonly failedMsAgo: number | undefined
}

/** A server that a client knows. */
export interface ServerHealth {
  /** `host:port` */
  readonly address: string
  /** Whether there is a connection. A client connects when it needs to, and keeps the connection. */
  readonly isConnected: boolean
}

/** A broker of the topics in use. */
export interface BrokerHealth extends ServerHealth {
  /** Name of the broker. */
  readonly brokerName: string
  /** Name of its cluster. */
  readonly cluster: string
  /** 0 is the master. */
  readonly brokerId: number
}

/** How a client does: well when all its consumers and producers are. */
export interface ClientHealth extends Health {
  /** Id of the client. */
  readonly clientId: string
  /** Whether it was closed, or closes. */
  readonly isClosed: boolean
  /** The name servers that it was given. */
  readonly nameServers: readonly ServerHealth[]
  /** The brokers of the topics that it has sent to or consumes. */
  readonly brokers: readonly BrokerHealth[]
  /** Its consumers. */
  readonly consumers: readonly ConsumerHealth[]
  /** Its producers. */
  readonly producers: readonly ProducerHealth[]
}

/** HealthOptions in ms. */
export interface HealthLimits {
  readonly stuckMs: number
  readonly slowMs: number
  readonly failingMs: number
}

/** Throws RMQ_OPTION for what is no length of time. */
export function healthLimits({
  stuckAfter = '5m',
  slowAfter = '5m',
  failingAfter = '30s',
}: HealthOptions): HealthLimits {
  return {
    stuckMs: durationMs(stuckAfter, 'stuckAfter'),
    slowMs: durationMs(slowAfter, 'slowAfter'),
    failingMs: durationMs(failingAfter, 'failingAfter'),
  }
}

/** A length of time as a reason names it. */
export function seconds(ms: number): string {
  return `${Math.floor(ms / 1_000)} s`
}
