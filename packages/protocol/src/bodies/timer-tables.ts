import { ProtocolError } from '../errors.ts'
import { readLong, writeLong } from '../message/long.ts'
import { type DataVersion, dataVersion } from './data-version.ts'
import { jsonBody, mapOf, number, object } from './shape.ts'

/** How many timer messages of one topic wait. Apache: `TimerMetrics.java`. */
export interface TimerCount {
  readonly count: number
  /** When it last changed, ms. */
  readonly timeStamp: number
}

/** GET_TIMER_METRICS, config/timermetrics. Apache: `TimerMetrics.java`. */
export interface TimerMetrics {
  readonly dataVersion: DataVersion
  /** By topic. */
  readonly timingCount: ReadonlyMap<string, TimerCount>
}

/** TimerMetrics as a body. */
export const timerMetricsBody = jsonBody<TimerMetrics>(
  'TimerMetricsSerializeWrapper',
  object<TimerMetrics>({
    dataVersion,
    timingCount: mapOf(object<TimerCount>({ count: number, timeStamp: number })),
  }),
)

/**
 * GET_TIMER_CHECK_POINT: seven numbers of 8 bytes, big-endian, in this order, then those of the
 * DataVersion: stateVersion, timestamp, counter. Apache: `TimerCheckpoint.java`.
 */
export interface TimerCheckPoint {
  readonly lastReadTimeMs: number
  readonly lastTimerLogFlushPos: number
  readonly lastTimerQueueOffset: number
  readonly masterTimerQueueOffset: number
  readonly dataVersion: DataVersion
}

const CHECK_POINT_BYTES = 56

/** Reads a TimerCheckPoint; one without a DataVersion, as old brokers send it, has zeros there. */
export function decodeTimerCheckPoint(bytes: Uint8Array): TimerCheckPoint {
  if (bytes.length < 32)
    throw new ProtocolError({ what: `a timer check point of ${bytes.length} bytes` })
  const long = (i: number): number => (bytes.length >= i * 8 + 8 ? readLong(bytes, i * 8) : 0)
  return {
    lastReadTimeMs: long(0),
    lastTimerLogFlushPos: long(1),
    lastTimerQueueOffset: long(2),
    masterTimerQueueOffset: long(3),
    dataVersion: { stateVersion: long(4), timestamp: long(5), counter: long(6) },
  }
}

/** Writes a TimerCheckPoint. */
export function encodeTimerCheckPoint(point: TimerCheckPoint): Buffer {
  const bytes = Buffer.alloc(CHECK_POINT_BYTES)
  const { stateVersion, timestamp, counter } = point.dataVersion
  const values = [
    point.lastReadTimeMs,
    point.lastTimerLogFlushPos,
    point.lastTimerQueueOffset,
    point.masterTimerQueueOffset,
    stateVersion,
    timestamp,
    counter,
  ]
  for (const [i, value] of values.entries()) writeLong(bytes, i * 8, value)
  return bytes
}
