import { resourceProblem, type QueueData, type TopicConfig } from '@skylarkmq/protocol'

/** Longest scope, which is a single word. */
const SCOPE_LENGTH_MAX = 512
/** Longest list of filter servers that is kept; hardly anybody uses them any more. */
const FILTER_SERVERS_LENGTH_MAX = 64 * 1024

/** Bounds of a topic's numbers. */
export interface QueueBounds {
  /** Queues that a topic may have on one broker. */
  readonly maxQueues: number
}

/** Whether a topic may be added to the routes: readers of a route visit each of its queues. */
export function isTopicFit(
  name: string,
  topic: Pick<
    TopicConfig & QueueData,
    'readQueueNums' | 'writeQueueNums' | 'perm' | 'topicSysFlag'
  >,
  { maxQueues }: QueueBounds,
): boolean {
  const { readQueueNums, writeQueueNums, perm, topicSysFlag } = topic
  return (
    name !== '' &&
    resourceProblem(name) === undefined &&
    isCount(readQueueNums, maxQueues) &&
    isCount(writeQueueNums, maxQueues) &&
    Number.isInteger(perm) &&
    Number.isInteger(topicSysFlag)
  )
}

/**
 * Whether clients can parse the mapping of a static topic that a broker registers: otherwise they could not use the
 * topic at all, wherever its other queues are. Apache: `TopicQueueMappingInfo.java`.
 */
export function isMappingFit(
  mapping: unknown,
  topic: string,
  brokerName: string,
  { maxQueues }: QueueBounds,
): boolean {
  if (!isObject(mapping)) return false
  const { topic: ofTopic = topic, bname = brokerName, currIdMap = {} } = mapping
  const { totalQueues = 0, epoch = 0, scope = '', dirty = false } = mapping
  return (
    ofTopic === topic &&
    bname === brokerName &&
    isCount(totalQueues, maxQueues) &&
    Number.isInteger(epoch) &&
    typeof scope === 'string' &&
    scope.length <= SCOPE_LENGTH_MAX &&
    typeof dirty === 'boolean' &&
    isObject(currIdMap) &&
    isIdMap(currIdMap, maxQueues)
  )
}

function isIdMap(ids: Readonly<Record<string, unknown>>, maxQueues: number): boolean {
  let count = 0
  for (const id in ids) {
    if (++count > maxQueues || !isCount(Number(id), maxQueues) || !isCount(ids[id], maxQueues)) {
      return false
    }
  }
  return true
}

/** The fields of a mapping that clients know; other fields could be anything. */
export function mappingForClients(mapping: unknown): unknown {
  const { topic, scope, totalQueues, bname, epoch, dirty, currIdMap } = mapping as Record<
    string,
    unknown
  >
  return { topic, scope, totalQueues, bname, epoch, dirty, currIdMap }
}

/** The filter servers of a registration; undefined for a list that is too long. */
export function fitFilterServers(servers: readonly string[]): readonly string[] | undefined {
  let length = 0
  for (const each of servers) length += each.length + 1
  return length <= FILTER_SERVERS_LENGTH_MAX ? servers : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
}
