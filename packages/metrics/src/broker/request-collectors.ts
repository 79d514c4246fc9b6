import { labels, type Collector, type Sample } from '../family.ts'
import type { BrokerSource } from './source.ts'

/** Apache's thread pools, and the lane that has their part here. Apache: `BrokerMetricsManager.java`, initStatsMetrics. */
const PROCESSORS = {
  send: 'send',
  async_put: undefined,
  pull: 'pull',
  ack: 'ack',
  query_message: 'query',
  client_manager: 'clientManage',
  heartbeat: 'heartbeat',
  lite_pull: 'litePull',
  transaction: 'endTransaction',
  consumer_manager: 'consumerManage',
  admin: 'admin',
  reply: 'reply',
} as const

/** Requests: what is queued, and how long they take. */
export function requests({ broker, common, times }: BrokerSource): Collector {
  function* queued(): Iterable<Sample> {
    for (const [processor, lane] of Object.entries(PROCESSORS)) {
      const count = lane === undefined ? 0 : broker.lanes.of(lane).queued
      yield [labels({ processor }, common), count]
    }
  }
  function* latencies(): Iterable<Sample> {
    for (const { request, response, isHeld, isOneway, times: histogram } of times.all) {
      const is = {
        protocol_type: 'remoting',
        request_code: request,
        response_code: response,
        is_long_polling: isHeld,
        result: isOneway ? 'oneway' : 'success',
      }
      yield [labels(is, common), histogram]
    }
  }
  function* waits(): Iterable<Sample> {
    for (const [processor, lane] of Object.entries(PROCESSORS)) {
      if (lane === undefined) continue
      const { queuedTimes } = broker.lanes.of(lane)
      if (queuedTimes.count > 0) yield [labels({ processor }, common), queuedTimes]
    }
  }
  return function* () {
    yield {
      name: 'rocketmq_processor_watermark',
      type: 'gauge',
      help: 'Requests that wait to be begun.',
      samples: queued(),
    }
    yield {
      name: 'rocketmq_rpc_latency_milliseconds',
      type: 'histogram',
      help: 'From a request to its answer, since metrics are exported.',
      samples: latencies(),
    }
    yield {
      name: 'skylark_queued_seconds',
      type: 'histogram',
      help: 'How long requests were queued that could not be begun at once.',
      scale: 0.001,
      samples: waits(),
    }
  }
}
