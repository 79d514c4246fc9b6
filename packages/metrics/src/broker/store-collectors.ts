import type { Histogram } from '@skylarkmq/env'
import { TIMER_TOPIC } from '@skylarkmq/protocol'
import { labels, single, type Collector, type Family, type Sample } from '../family.ts'
import type { BrokerSource } from './source.ts'

/** The store: what Apache says of it, and how its disk does. */
export function storage(source: BrokerSource): Collector {
  const { broker, stored, common, clock } = source
  const { store, env, config } = broker
  const one = (name: string, help: string, value: number, of = stored) =>
    single(name, 'gauge', help, of, value)
  return function* () {
    const { totalBytes, freeBytes, availableBytes } = env.disk.usage(config.storePathRootDir)
    yield one(
      'rocketmq_storage_size_bytes',
      'Bytes in use of the file system of the store, as in Apache: not of the store alone.',
      totalBytes - freeBytes,
    )
    const behind = store.commitLogOffsetMax - store.flushedOffset
    yield one('rocketmq_storage_flush_behind_bytes', 'Bytes of the log not synced yet.', behind)
    yield one(
      'rocketmq_storage_dispatch_behind_bytes',
      'Bytes of the log that are not in the queues yet.',
      store.dispatchBehindBytes,
    )
    const earliest = store.earliestStoreTimeOfAll()
    if (earliest > 0)
      yield one(
        'rocketmq_storage_message_reserve_time_milliseconds',
        'Age of the oldest message.',
        Math.max(0, clock.now() - earliest),
      )
    yield* timers(source)
    yield one(
      'skylark_disk_free_bytes',
      'Bytes that the process may write.',
      availableBytes,
      common,
    )
    yield one('skylark_disk_used_ratio', 'Share of the disk in use.', store.diskUsedRatio, common)
    yield one(
      'skylark_store_writeable',
      '1 while messages are taken.',
      store.isWriteable() ? 1 : 0,
      common,
    )
    const { writeTimes, syncTimes } = store.diskTimes()
    yield seconds(
      'skylark_append_seconds',
      'Writing to the log what one turn gathered.',
      common,
      writeTimes,
    )
    yield seconds('skylark_fsync_seconds', 'A sync of the log.', common, syncTimes)
  }
}

function seconds(name: string, help: string, common: string, times: Histogram): Family {
  return { name, type: 'histogram', help, scale: 0.001, samples: [[common, times]] }
}

/** Apache: `TimerMessageStore.java`, DEFAULT_..._SNAPSHOT. */
const BOUNDS_S = [5, 60, 300, 900, 3600, 14_400, 28_800, 86_400]

function* noSnapshot(stored: string): Iterable<Sample> {
  for (const bound of BOUNDS_S) yield [labels({ timer_bound_s: String(bound) }, stored), 0]
}

function* snapshot({ broker, stored, clock }: BrokerSource): Iterable<Sample> {
  const now = clock.now()
  let from = 0
  for (const bound of BOUNDS_S) {
    const count = broker.store.timers?.countDue(now + from * 1000, now + bound * 1000) ?? 0
    yield [labels({ timer_bound_s: String(bound) }, stored), count]
    from = bound
  }
}

function* timers(source: BrokerSource): Iterable<Family> {
  const { broker, stored, clock } = source
  const { timers: waiting } = broker.store
  if (waiting === undefined) return
  const one = (name: string, help: string, value: number) =>
    single(name, 'gauge', help, stored, value)
  const { offsetBehind, waiting: count, readBehindSec } = waiting.progress()
  // Where nothing waits there is nothing to be behind with.
  const isBehind = offsetBehind + count > 0
  yield one('rocketmq_timer_enqueue_lag', 'Timers that are not in the wheel yet.', offsetBehind)
  yield one('rocketmq_timer_dequeue_lag', 'Timers in the wheel.', count)
  const firstMs = firstOutside(source, offsetBehind)
  yield one(
    'rocketmq_timer_enqueue_latency_milliseconds',
    'Age of the first timer that is not in the wheel yet.',
    firstMs < 0 ? 0 : Math.max(0, clock.now() - firstMs),
  )
  yield one(
    'rocketmq_timer_dequeue_latency_milliseconds',
    'Seconds that deliveries are behind, in spite of the name, as in Apache.',
    isBehind ? readBehindSec : 0,
  )
  yield {
    name: 'rocketmq_timer_message_snapshot',
    type: 'gauge',
    help: 'Timers in the wheel that are due within a bound and not within the one before.',
    samples: count === 0 ? noSnapshot(stored) : snapshot(source),
  }
  yield {
    name: 'rocketmq_timing_messages',
    type: 'gauge',
    help: 'Timers that wait, by topic.',
    samples: byTopic(waiting.metrics.timingCount, stored),
  }
}

/** Store time of the first timer that is not in the wheel yet; −1 when there is none. */
function firstOutside({ broker }: BrokerSource, offsetBehind: number): number {
  if (offsetBehind <= 0) return -1
  const max = broker.store.offsetMax(TIMER_TOPIC, 0)
  return broker.store.storeTimeOf(TIMER_TOPIC, 0, max - offsetBehind)
}

function* byTopic(
  counts: ReadonlyMap<string, { readonly count: number }>,
  stored: string,
): Iterable<Sample> {
  for (const [topic, { count }] of counts) yield [labels({ topic }, stored), count]
}
