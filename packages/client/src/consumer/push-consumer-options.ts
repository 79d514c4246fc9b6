import type { ConsumeFromWhere } from '@skylarkmq/protocol'
import type { Duration } from '../duration.ts'
import { OptionError } from '../errors.ts'
import type { ConcurrencyKey } from './keyed-line.ts'
import type { RateLimitOptions } from './rate-limit.ts'
import type { StartFrom } from '../offset/queue-offsets.ts'
import type { Allocate } from '../rebalance/allocate-averagely.ts'

/** What a consumer may be told. */
export interface PushConsumerOptions {
  /** Name of the consumer group. Its members share the messages. */
  readonly group: string
  /** Where a group begins that has never consumed a queue; default `last`. */
  readonly consumeFrom?: StartFrom
  /** Calls of the listener that run at the same time, at most; default 20. */
  readonly concurrency?: number
  /**
   * Says what a message belongs to, an order or a customer: messages of one key are never handled at the same time here, and
   * are begun in the order in which they came within their queue; others go side by side, up to `concurrency`. Undefined: it
   * belongs to nothing. It gets the message with its body as it came. One that it throws on fails. Not with `ordered`.
   */
  readonly concurrencyKey?: ConcurrencyKey | undefined
  /** How many calls of the listener this member begins in a time, evenly; default as many as it can. */
  readonly rateLimit?: RateLimitOptions | undefined
  /**
   * `CLUSTERING` (the default): each message goes to one member of the group. `BROADCASTING`: each member gets all of
   * them, keeps its offsets in a file of its machine, and a message that fails does not come again.
   */
  readonly model?: 'CLUSTERING' | 'BROADCASTING'
  /**
   * Messages of one queue are consumed one after the other, in their order, by one member at a time; one that fails
   * holds up those behind it. Default false.
   */
  readonly ordered?: boolean
  /** With `ordered`: how long a queue waits after a message that failed, ms, from 10 to 30000; default 1000. */
  readonly suspendCurrentQueueMs?: number
  /**
   * How often a message comes again before it goes to the dead-letter queue; default 16, and with `ordered` for as
   * long as it fails.
   */
  readonly maxReconsumeTimes?: number
  /**
   * Folder of the offsets of broadcasting consumers, in the form of Java's client; default `.rocketmq_offsets` in the
   * home directory.
   */
  readonly offsetsDirectory?: string | undefined
  /**
   * How long a call of the listener may take, ms or text such as `10m`; default 15 minutes. After that the message is given back and comes again,
   * as after a throw, and another one is consumed; the call runs on, and what it says counts no more. Not with `ordered`.
   */
  readonly consumeTimeout?: Duration
  /** Messages that one pull asks for; default 32. */
  readonly pullBatchSize?: number
  /**
   * Messages of one queue that may wait here; default 1000. Of all queues together 2,048 do, or twice `concurrency`, or this
   * many if that is more: what waits for long costs the more memory and time. A queue always has room for one pull.
   */
  readonly pullThresholdForQueue?: number
  /** Bytes of bodies of one queue that may wait here; default 104857600, of all queues together 64 MiB or this many. */
  readonly pullThresholdSizeForQueue?: number
  /** How far apart the messages of one queue that wait here may be; default 2000. */
  readonly consumeConcurrentlyMaxSpan?: number
  /** How queues are shared out; every member of a group must use the same; default `allocateAveragely`. */
  readonly allocate?: Allocate
  /**
   * Writes down in the topic RMQ_SYS_TRACE_TOPIC, or another one, which messages the listener got and what became of them, as a
   * producer's `trace` does for those that were sent; default false.
   */
  readonly trace?: boolean | { readonly topic: string }
  /** How often offsets are stored, ms; default 5000. */
  readonly persistOffsetsMs?: number
  /** How often queues are reassigned when nothing happened, ms; default 20000. */
  readonly rebalanceMs?: number
}

/** Throws RMQ_OPTION for options that exclude one another. */
export function checkTogether(options: PushConsumerOptions): void {
  if (options.ordered === true && options.concurrencyKey !== undefined) {
    const problem = 'a consumer with ordered takes each queue one after the other already'
    throw new OptionError({ option: 'concurrencyKey', problem })
  }
}

/** Where a group begins, as heartbeats say it. */
export function consumeFromWhere(from: StartFrom): ConsumeFromWhere {
  if (from === 'first') return 'CONSUME_FROM_FIRST_OFFSET'
  return from === 'last' ? 'CONSUME_FROM_LAST_OFFSET' : 'CONSUME_FROM_TIMESTAMP'
}
