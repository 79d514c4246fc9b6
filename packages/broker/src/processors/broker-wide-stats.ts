import {
  correctionOffsetsBody,
  haRuntimeInfoBody,
  ResponseCode,
  stringifyFastjson,
  type GetBrokerConsumeStats,
  type GetBrokerHaStatus,
  type QueryCorrectionOffset,
} from '@skylarkmq/protocol'
import type { Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { eachInTurns } from '../in-turns.ts'
import {
  ANSWERED_QUEUES_MAX,
  consumeStatsText,
  entryText,
  progress,
  queue,
  QUEUES_PER_TURN,
  tooManyQueues,
  upTo,
} from './topic-stats.ts'

/** Offsets that are compared in one turn of the event loop. */
const OFFSETS_PER_TURN = 10_000

/** Written as Java's greatest long. */
const LONG_MAX = 2 ** 63

/** How far a group is in a topic, as it is written down. */
interface TopicProgress {
  readonly consumeTps: number
  readonly entries: string[]
}

/** A queue that a group is asked about; without an id, a group that is there. */
interface AskedQueue {
  readonly group: string
  readonly topic: string
  readonly queueId?: number
  readonly entries: string[]
}

/** GET_BROKER_CONSUME_STATS: how far every group is. Apache: `AdminBrokerProcessor.java`, fetchAllConsumeStatsInBroker. */
export const getBrokerConsumeStats: Processor<BrokerContext, typeof GetBrokerConsumeStats> = (
  broker,
  { header: { isOrder } },
) => {
  let totalDiff = 0
  let totalInflightDiff = 0
  let count = 0
  const groups = new Map<string, TopicProgress[]>()
  const look = ({ group, topic, queueId, entries }: AskedQueue): void => {
    count++
    // What is too much is not gathered.
    if (queueId === undefined || count > ANSWERED_QUEUES_MAX) return
    const found = progress(broker, group, topic, queueId)
    totalDiff += found.brokerOffset - found.consumerOffset
    totalInflightDiff += found.pullOffset - found.consumerOffset
    entries.push(entryText(queue(broker, topic, queueId), found))
  }
  const all = everyQueue(broker, isOrder, groups, () => count > ANSWERED_QUEUES_MAX)
  return eachInTurns(broker.env.clock, all, QUEUES_PER_TURN, look, () => {
    if (count > ANSWERED_QUEUES_MAX) return tooManyQueues()
    const totals = `"totalDiff":${totalDiff},"totalInflightDiff":${totalInflightDiff}`
    const brokerAddr = stringifyFastjson(broker.address)
    const list = [...groups].map(([group, topics]) => {
      const texts = topics.map((topic) => consumeStatsText(topic.consumeTps, topic.entries))
      return `{${stringifyFastjson(group)}:[${texts.join(',')}]}`
    })
    const text = `{"brokerAddr":${brokerAddr},"consumeStatsList":[${list.join(',')}],${totals}}`
    return { code: ResponseCode.SUCCESS, body: Buffer.from(text) }
  })
}

/** The queues of all groups; notes groups and their topics on the way, until `isEnough`. */
function* everyQueue(
  broker: BrokerContext,
  isOrder: boolean,
  groups: Map<string, TopicProgress[]>,
  isEnough: () => boolean,
): Generator<AskedQueue> {
  for (const group of broker.groups.all.keys()) {
    const topics: TopicProgress[] = []
    groups.set(group, topics)
    yield { group, topic: '', entries: [] }
    const connected = broker.consumers.get(group)
    for (const topic of broker.offsets.topicsOf(group)) {
      if (isEnough()) return
      const config = broker.topics.get(topic)
      if (config === undefined || (isOrder && !config.order)) continue
      if (connected !== undefined && !connected.subscriptions.has(topic)) continue
      const entries: string[] = []
      topics.push({ entries, consumeTps: broker.stats.groupGetTps(group, topic) })
      for (const queueId of upTo(config.writeQueueNums)) yield { group, topic, queueId, entries }
    }
  }
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
  const look = ([queueId, offset]: [number, number]): void => {
    if (offset < broker.store.offsetMin(topic, queueId)) return
    least.set(queueId, Math.min(offset, least.get(queueId) ?? offset))
  }
  const all = offsetsOf(broker, topic, leftOut)
  return eachInTurns(broker.env.clock, all, OFFSETS_PER_TURN, look, () => {
    const compared = broker.offsets.ofTopic(compareGroup, topic)
    const correctionOffsets = new Map(
      [...least].map(([queueId, offset]) => {
        // Behind all others: nothing has to be corrected, which the greatest number says.
        const own = compared.get(queueId)
        return [queueId, own !== undefined && offset > own ? LONG_MAX : offset]
      }),
    )
    return { code: ResponseCode.SUCCESS, body: correctionOffsetsBody.encode({ correctionOffsets }) }
  })
}

/** The offsets of all groups in a topic's queues. */
function* offsetsOf(
  { offsets }: BrokerContext,
  topic: string,
  leftOut: ReadonlySet<string>,
): Generator<[queueId: number, offset: number]> {
  for (const group of [...offsets.groupsOf(topic)]) {
    if (!leftOut.has(group)) yield* offsets.ofTopic(group, topic)
  }
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
