import type { BrokerContext } from '@skylarkmq/broker'
import { runtimeTable } from '@skylarkmq/broker'
import { labels, single, type Family } from '../family.ts'

/** Names of rocketmq-exporter after `rocketmq_brokeruntime_`, and the keys of GET_BROKER_RUNTIME_INFO that they show. */
const PLAIN: Readonly<Record<string, string>> = {
  msg_put_total_today_now: 'msgPutTotalTodayNow',
  msg_gettotal_today_now: 'msgGetTotalTodayNow',
  msg_puttotal_todaymorning: 'msgPutTotalTodayMorning',
  msg_gettotal_todaymorning: 'msgGetTotalTodayMorning',
  msg_puttotal_yesterdaymorning: 'msgPutTotalYesterdayMorning',
  msg_gettotal_yesterdaymorning: 'msgGetTotalYesterdayMorning',
  dispatch_behind_bytes: 'dispatchBehindBytes',
  put_message_size_total: 'putMessageSizeTotal',
  put_message_average_size: 'putMessageAverageSize',
  putmessage_times_total: 'putMessageTimesTotal',
  putmessage_entire_time_max: 'putMessageEntireTimeMax',
  getmessage_entire_time_max: 'getMessageEntireTimeMax',
  start_accept_sendrequest_time: 'startAcceptSendRequestTimeStamp',
  earliest_message_timestamp: 'earliestMessageTimeStamp',
  pagecache_lock_time_mills: 'pageCacheLockTimeMills',
  commitlog_disk_ratio: 'commitLogDiskRatio',
  consumequeue_disk_ratio: 'consumeQueueDiskRatio',
  put_latency_99: 'putLatency99',
  put_latency_999: 'putLatency999',
  dispatch_maxbuffer: 'dispatchMaxBuffer',
  pull_threadpoolqueue_capacity: 'pullThreadPoolQueueCapacity',
  send_threadpoolqueue_capacity: 'sendThreadPoolQueueCapacity',
  query_threadpool_queue_capacity: 'queryThreadPoolQueueCapacity',
  pull_threadpoolqueue_size: 'pullThreadPoolQueueSize',
  query_threadpoolqueue_size: 'queryThreadPoolQueueSize',
  send_threadpool_queue_size: 'sendThreadPoolQueueSize',
  pull_threadpoolqueue_headwait_timemills: 'pullThreadPoolQueueHeadWaitTimeMills',
  query_threadpoolqueue_headwait_timemills: 'queryThreadPoolQueueHeadWaitTimeMills',
  send_threadpoolqueue_headwait_timemills: 'sendThreadPoolQueueHeadWaitTimeMills',
  remain_transientstore_buffer_numbs: 'remainTransientStoreBufferNumbs',
  commitlog_maxoffset: 'commitLogMaxOffset',
  commitlog_minoffset: 'commitLogMinOffset',
}

/** Rates over 10, 60 and 600 s. */
const RATES: Readonly<Record<string, string>> = {
  getfound: 'getFoundTps',
  getmiss: 'getMissTps',
  gettotal: 'getTotalTps',
  gettransfered: 'getTransferredTps',
  put: 'putTps',
}
const RATE_SECONDS = [10, 60, 600]

/** In the order of `putMessageDistributeTime`. */
const PUT_TIMES = [
  ...['0ms', '0to10ms', '10to50ms', '50to100ms', '100to200ms', '200to500ms', '500to1s'],
  ...['1to2s', '2to3s', '3to4s', '4to5s', '5to10s', '10stomore'],
]

/** What rocketmq-exporter makes of GET_BROKER_RUNTIME_INFO. */
export function* runtimeFamilies(broker: BrokerContext): Iterable<Family> {
  const table = runtimeTable(broker)
  const told = (key: string): string => table.get(key) ?? ''
  const of = labels({
    cluster: broker.config.brokerClusterName,
    brokerIP: broker.address,
    brokerHost: broker.config.brokerName,
    des: told('brokerVersionDesc'),
    boottime: told('bootTimestamp'),
    broker_version: told('brokerVersion'),
  })
  const one = (name: string, help: string, value: number): Family =>
    single(`rocketmq_brokeruntime_${name}`, 'gauge', help, of, value)
  for (const [name, key] of Object.entries(PLAIN)) yield one(name, key, Number(told(key)))
  for (const [name, key] of Object.entries(RATES)) {
    const rates = told(key).split(' ')
    for (const [i, seconds] of RATE_SECONDS.entries())
      yield one(`${name}_tps${seconds}`, key, Number(rates[i]))
  }
  const times = [...told('putMessageDistributeTime').matchAll(/\]:(\d+)/g)]
  for (const [i, name] of PUT_TIMES.entries())
    yield one(`pmdt_${name}`, 'putMessageDistributeTime', Number(times[i]?.[1] ?? 0))
  const { totalBytes, freeBytes } = broker.env.disk.usage(broker.config.storePathRootDir)
  yield one('commitlogdir_capacity_total', 'commitLogDirCapacity, bytes', totalBytes)
  yield one('commitlogdir_capacity_free', 'commitLogDirCapacity, bytes', freeBytes)
  const { commitLogOffsetMax, flushedOffset } = broker.store
  yield one('remain_howmanydata_toflush', 'Bytes not synced.', commitLogOffsetMax - flushedOffset)
}
