import {
  consumeStatsListBody,
  correctionOffsetsBody,
  haRuntimeInfoBody,
  ResponseCode,
  type ConsumeStats,
  type GetBrokerConsumeStats,
  type GetBrokerHaStatus,
  type MessageQueue,
  type OffsetWrapper,
  type QueryCorrectionOffset,
} from '@skylarkmq/protocol'
import type { Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { progress, queue } from './topic-stats.ts'

/** Written as Java's greatest long. */
const LONG_MAX = 2 ** 63

/** GET_BROKER_CONSUME_STATS: how far every group is. Apache: `AdminBrokerProcessor.java`, fetchAllConsumeStatsInBroker. */
export const getBrokerConsumeStats: Processor<BrokerContext, typeof GetBrokerConsumeStats> = (
  broker,
  { header: { isOrder } },
) => {
  let totalDiff = 0
  let totalInflightDiff = 0
  const consumeStatsList: Map<string, ConsumeStats[]>[] = []
  for (const group of broker.groups.all.keys()) {
    const stats = statsOf(broker, group, isOrder)
    for (const { offsetTable } of stats) {
      for (const { brokerOffset, consumerOffset, pullOffset } of offsetTable.values()) {
        totalDiff += brokerOffset - consumerOffset
        totalInflightDiff += pullOffset - consumerOffset
      }
    }
    consumeStatsList.push(new Map([[group, stats]]))
  }
  const brokerAddr = broker.address
  const all = { consumeStatsList, brokerAddr, totalDiff, totalInflightDiff }
  return { code: ResponseCode.SUCCESS, body: consumeStatsListBody.encode(all) }
}

function statsOf(broker: BrokerContext, group: string, isOrder: boolean): ConsumeStats[] {
  const connected = broker.consumers.get(group)
  const stats: ConsumeStats[] = []
  for (const topic of broker.offsets.topicsOf(group)) {
    const config = broker.topics.get(topic)
    if (config === undefined || (isOrder && !config.order)) continue
    if (connected !== undefined && !connected.subscriptions.has(topic)) continue
    const offsetTable = new Map<MessageQueue, OffsetWrapper>()
    for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
      offsetTable.set(queue(broker, topic, queueId), progress(broker, group, topic, queueId))
    }
    stats.push({ offsetTable, consumeTps: broker.stats.groupGetTps(group, topic) })
  }
  return stats
}

/**
 * QUERY_CORRECTION_OFFSET: the least offset that any group has in each queue of a topic; the greatest number
 * where the compared group is behind that. The groups to leave out are left out; Apache forgets their offsets besides.
 */
export const queryCorrectionOffset: Processor<BrokerContext, typeof QueryCorrectionOffset> = (
  broker,
  { header: { topic, compareGroup, filterGroups = '' } },
) => {
  const leftOut = new Set(filterGroups.split(','))
  const least = new Map<number, number>()
  for (const group of broker.offsets.groupsOf(topic)) {
    if (leftOut.has(group)) continue
    for (const [queueId, offset] of broker.offsets.ofTopic(group, topic)) {
      if (offset < broker.store.offsetMin(topic, queueId)) continue
      least.set(queueId, Math.min(offset, least.get(queueId) ?? offset))
    }
  }
  const compared = broker.offsets.ofTopic(compareGroup, topic)
  const correctionOffsets = new Map(
    [...least].map(([queueId, offset]) => {
      // Behind all others: nothing has to be corrected, which the greatest number says.
      const own = compared.get(queueId)
      return [queueId, own !== undefined && offset > own ? LONG_MAX : offset]
    }),
  )
  return { code: ResponseCode.SUCCESS, body: correctionOffsetsBody.encode({ correctionOffsets }) }
}

/** GET_BROKER_HA_STATUS: a master without slaves. */
export const getBrokerHaStatus: Processor<BrokerContext, typeof GetBrokerHaStatus> = ({
  store,
}) => ({
  code: ResponseCode.SUCCESS,
  body: haRuntimeInfoBody.encode({
    master: true,
    masterCommitLogMaxOffset: store.commitLogOffsetMax,
    inSyncSlaveNums: 0,
    haConnectionInfo: [],
    haClientRuntimeInfo: {
      masterAddr: '',
      transferredByteInSecond: 0,
      maxOffset: 0,
      lastReadTimestamp: 0,
      lastWriteTimestamp: 0,
      masterFlushOffset: 0,
      isActivated: false,
    },
  }),
})
