import { ProtocolError } from '../errors.ts'
import { resourceProblem } from './safe-name.ts'

/** Prefix of the topic that a group's failed messages are retried from. */
export const RETRY_PREFIX = '%RETRY%'
/** Prefix of the topic that a group's dead letters go to. */
export const DLQ_PREFIX = '%DLQ%'
/** Prefix of light message queues. */
export const LMQ_PREFIX = '%LMQ%'
/** Suffix of the topic, one per cluster, that replies to `request` go through. */
export const REPLY_TOPIC_SUFFIX = 'REPLY_TOPIC'

/** The names of topics that the broker uses itself. Apache: `TopicValidator.java`. */
export const SystemTopic = {
  /** Template of topics that are created by their first message. */
  AUTO_CREATE: 'TBW102',
  SCHEDULE: 'SCHEDULE_TOPIC_XXXX',
  BENCHMARK: 'BenchmarkTest',
  TRANS_HALF: 'RMQ_SYS_TRANS_HALF_TOPIC',
  TRACE: 'RMQ_SYS_TRACE_TOPIC',
  TRANS_OP_HALF: 'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  TRANS_CHECK_MAX_TIME: 'TRANS_CHECK_MAX_TIME_TOPIC',
  SELF_TEST: 'SELF_TEST_TOPIC',
  OFFSET_MOVED_EVENT: 'OFFSET_MOVED_EVENT',
  ROCKSDB_OFFSET: 'CHECKPOINT_TOPIC',
} as const

/** Prefix of further topics that belong to the broker. */
export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_'
/** The topic in whose only queue timer messages wait. */
export const TIMER_TOPIC = 'rmq_sys_wheel_timer'
/** Longest name of a topic that a user may create, in characters. */
export const TOPIC_LENGTH_MAX = 127

/** The system topics that are always there. A broker adds the names of itself and its cluster. */
export const systemTopics: ReadonlySet<string> = new Set(Object.values(SystemTopic))

/** Prefix of the topics in which Apache's broker stores POP check points, one for each cluster. */
export const REVIVE_TOPIC_PREFIX = 'rmq_sys_REVIVE_LOG_'

/**
 * Topics that a client may not send to, because a broker reads them back as its own: their messages state by
 * themselves where they go, and when. The topics of traces, benchmarks and replies are read by clients only, and
 * anybody may send to them.
 */
const topicsOfTheBroker: ReadonlySet<string> = new Set([
  // Delayed messages: delivered to the topic that REAL_TOPIC names.
  SystemTopic.SCHEDULE,
  // Timer messages: as delayed ones. Apache accepts messages for it from anybody.
  TIMER_TOPIC,
  // Half messages, which a commit delivers, and the records that say which of them have ended.
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  // Discarded half messages, whose checks an operator can restart.
  SystemTopic.TRANS_CHECK_MAX_TIME,
  // Nobody reads these two back; Apache forbids them.
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
])

/** True for a topic that a client may not send to. Apache: `TopicValidator.java`, isNotAllowedSendTopic. */
export function isTopicOfTheBroker(topic: string): boolean {
  return topicsOfTheBroker.has(topic) || topic.startsWith(REVIVE_TOPIC_PREFIX)
}

/** True for the names that Apache reserves, whatever the broker. */
export function isSystemTopic(topic: string): boolean {
  return systemTopics.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX)
}

/** True when a topic or group name holds a character outside `%|a-zA-Z0-9_-`. */
export function hasIllegalCharacters(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (!isLegal(name.charCodeAt(i))) return true
  }
  return false
}

function isLegal(c: number): boolean {
  if (c >= 0x61 && c <= 0x7a) return true
  if (c >= 0x41 && c <= 0x5a) return true
  if (c >= 0x30 && c <= 0x39) return true
  return c === 0x25 || c === 0x2d || c === 0x5f || c === 0x7c
}

/**
 * What is wrong with a topic's name, in the words of Apache's remark; undefined when it is valid.
 * Apache: `TopicValidator.java`, validateTopic.
 */
export function topicProblem(topic: string | undefined): string | undefined {
  if (topic === undefined || topic.trim() === '') return 'The specified topic is blank.'
  if (hasIllegalCharacters(topic)) {
    return 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$'
  }
  if (topic.length > TOPIC_LENGTH_MAX) return 'The specified topic is longer than topic max length.'
  return undefined
}

/** Throws a ProtocolError that says what is wrong with a topic's name, if anything is. */
export function checkTopic(topic: string | undefined): asserts topic is string {
  const problem = topicProblem(topic)
  if (problem !== undefined) throw new ProtocolError({ what: problem })
}

/** The topic that a group's failed messages are retried from. */
export const retryTopic = (group: string): string => RETRY_PREFIX + group
/** The topic of a group's dead letters. */
export const dlqTopic = (group: string): string => DLQ_PREFIX + group
/** The topic of a cluster that replies to `request` go through. */
export const replyTopic = (cluster: string): string => `${cluster}_${REPLY_TOPIC_SUFFIX}`

/** True for a group's retry topic. */
export const isRetryTopic = (topic: string): boolean => topic.startsWith(RETRY_PREFIX)
/** True for a group's dead-letter topic. */
export const isDlqTopic = (topic: string): boolean => topic.startsWith(DLQ_PREFIX)
/** True for a light message queue, whose name becomes a directory name even without a topic. */
export const isLmqTopic = (topic: string): boolean =>
  topic.startsWith(LMQ_PREFIX) && resourceProblem(topic) === undefined
