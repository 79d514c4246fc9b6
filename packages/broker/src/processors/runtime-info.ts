import {
  CURRENT_VERSION,
  kvTableBody,
  ResponseCode,
  versionName,
  type GetBrokerRuntimeInfo,
} from '@skylarkmq/protocol'
import type { Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/** Names of Apache's pools in the answer, and the lane that has their part here. */
const POOLS = ['send', 'pull', 'litePull', 'query', 'ack'] as const

/** GET_BROKER_RUNTIME_INFO: what the broker is and does, as text by key. Apache: `AdminBrokerProcessor.java`, prepareRuntimeInfo. */
export const getBrokerRuntimeInfo: Processor<BrokerContext, typeof GetBrokerRuntimeInfo> = (
  broker,
) => ({ code: ResponseCode.SUCCESS, body: kvTableBody.encode({ table: runtimeTable(broker) }) })

/** The same as a table. */
export function runtimeTable(broker: BrokerContext): ReadonlyMap<string, string> {
  const table = new Map(Object.entries(broker.store.runtimeInfo()))
  const set = (key: string, value: string | number): void => {
    table.set(key, String(value))
  }
  // As older brokers spell it, and tools that read them.
  set('getTransferedTps', table.get('getTransferredTps') ?? '')
  set('bootTimestamp', broker.bootTimestamp)
  set('brokerActive', 'true')
  set('brokerVersion', CURRENT_VERSION)
  set('brokerVersionDesc', versionName(CURRENT_VERSION))
  set('startAcceptSendRequestTimeStamp', broker.config.startAcceptSendRequestTimeStamp)
  set('runtime', durationText(broker.env.clock.now() - broker.bootTimestamp))
  set('earliestMessageTimeStamp', broker.store.earliestStoreTimeOfAll())
  for (const pool of POOLS) {
    const lane = broker.lanes.of(pool)
    set(`${pool}ThreadPoolQueueSize`, lane.queued)
    set(`${pool}ThreadPoolQueueCapacity`, lane.limits.queued)
    const headWaitMs = lane.headWaitMs(broker.env.clock.monotonic())
    set(`${pool}ThreadPoolQueueHeadWaitTimeMills`, Math.round(headWaitMs))
  }
  const ends = broker.lanes.of('endTransaction')
  set('EndTransactionQueueSize', ends.queued)
  set('EndTransactionThreadPoolQueueCapacity', ends.limits.queued)
  for (const { level, offset, offsetMax } of broker.schedule.progress()) {
    set(`scheduleMessageOffset_${level}`, `${offset},${offsetMax}`)
  }
  countMessages(broker, set)
  tellOfDisk(broker, set)
  tellOfTimers(broker, set)
  return table
}

function countMessages(broker: BrokerContext, set: (key: string, value: number) => void): void {
  const { day } = broker
  set('msgPutTotalYesterdayMorning', day.putYesterday)
  set('msgPutTotalTodayMorning', day.putToday)
  set('msgPutTotalTodayNow', broker.stats.putTotal)
  set('msgGetTotalYesterdayMorning', day.getYesterday)
  set('msgGetTotalTodayMorning', day.getToday)
  set('msgGetTotalTodayNow', broker.stats.getTotal)
}

function tellOfDisk(
  { env, store, config }: BrokerContext,
  set: (key: string, value: string | number) => void,
): void {
  set('dispatchBehindBytes', store.dispatchBehindBytes)
  set('pageCacheLockTimeMills', 0)
  // As Apache says of a broker without such buffers: alarms take 0 for none left.
  set('remainTransientStoreBufferNumbs', 0x7fffffff)
  set('remainHowManyDataToFlush', bytesText(store.commitLogOffsetMax - store.flushedOffset))
  const { totalBytes, freeBytes } = env.disk.usage(config.storePathRootDir)
  set('commitLogDirCapacity', `Total : ${bytesText(totalBytes)}, Free : ${bytesText(freeBytes)}.`)
}

function tellOfTimers({ store }: BrokerContext, set: (key: string, value: string) => void): void {
  const timers = store.timers?.progress()
  // Where nothing waits there is nothing to be behind with.
  const isBehind = timers !== undefined && timers.offsetBehind + timers.waiting > 0
  set('timerReadBehind', String(isBehind ? timers.readBehindSec : 0))
  set('timerOffsetBehind', String(timers?.offsetBehind ?? 0))
  set('timerCongestNum', String(timers?.waiting ?? 0))
  set('timerEnqueueTps', (timers?.enqueueTps ?? 0).toFixed(1))
  set('timerDequeueTps', (timers?.dequeueTps ?? 0).toFixed(1))
}

/** `36.5 GiB` */
function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const exponent = Math.floor(Math.log(bytes) / Math.log(1024))
  return `${(bytes / 1024 ** exponent).toFixed(1)} ${'KMGTPE'.charAt(exponent - 1)}iB`
}

/** `[ 0 days, 0 hours, 5 minutes, 3 seconds ]` */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  return `[ ${Math.floor(hours / 24)} days, ${hours % 24} hours, ${minutes % 60} minutes, ${seconds % 60} seconds ]`
}
