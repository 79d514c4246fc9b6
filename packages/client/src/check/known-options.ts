import { topicProblem } from '@skylarkmq/protocol'
import { durationMs, type Duration } from '../duration.ts'
import {
  abortSignal,
  any,
  anyText,
  callback,
  count,
  flag,
  isObject,
  ms,
  oneOf,
  shown,
  text,
  withMethods,
  type Check,
} from './check-options.ts'

/** What other clients, Java's and Kafka's among them, call the group. */
const GROUP = { groupName: 'group', groupId: 'group' }

const TLS_NAMES = ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername']

const tls: Check = (value) => {
  if (typeof value === 'boolean') return undefined
  if (!isObject(value)) return `${shown(value)} is neither true nor an object`
  const unknown = Object.keys(value).find((name) => !TLS_NAMES.includes(name))
  return unknown === undefined ? undefined : `it has no ${unknown}, but ${TLS_NAMES.join(', ')}`
}

const connection = {
  namespace: anyText,
  accessKey: anyText,
  secretKey: anyText,
  securityToken: anyText,
  clientId: text,
  tls,
  pollNameServerMs: ms(1),
  heartbeatMs: ms(1),
  maxBodyBytes: count(1, 0x7fffffff),
  startTimeoutMs: ms(0, Infinity),
}

const NAME_SERVER_ADVICE =
  'Give nameServers, the address of a name server (port 9876 as a rule): this client speaks the remoting protocol, not gRPC.'

/** Of `new RocketMQ()`. */
export const clientOptions = {
  checks: {
    ...connection,
    nameServers: (value: unknown) =>
      typeof value === 'string' ||
      (Array.isArray(value) && value.every((each) => typeof each === 'string'))
        ? undefined
        : `${shown(value)} is neither host:port nor a list of them`,
    timeout: ms(1),
    logger: withMethods('debug', 'info', 'warn', 'error'),
    signal: abortSignal,
  },
  otherNames: {
    ...{ namesrvAddr: 'nameServers', nameServer: 'nameServers', brokers: 'nameServers' },
    ...{ instanceName: 'clientId', requestTimeoutMs: 'timeout', ssl: 'tls' },
    ...{ sessionCredentials: 'accessKey', credentials: 'accessKey' },
  },
  advice: {
    endpoints: NAME_SERVER_ADVICE,
    endpoint: NAME_SERVER_ADVICE,
    bootstrapServers: NAME_SERVER_ADVICE,
    retry: 'Give retryTimes to the producer: mq.producer({ retryTimes: 2 }).',
  },
}

const own = {
  ...connection,
  namesrvAddr: text,
  instanceName: text,
  requestTimeoutMs: ms(1),
}

const trace: Check = (value) =>
  typeof value === 'boolean' || (isObject(value) && typeof value['topic'] === 'string')
    ? undefined
    : `${shown(value)} is neither true nor { topic }`

const sendingChecks = {
  group: anyText,
  serde: withMethods('encode', 'decode'),
  sendTimeoutMs: ms(1),
  retryTimes: count(0),
  avoidSlowBrokers: flag,
  compressOverBytes: count(0, Infinity),
  maxMessageBytes: count(1),
  maxInFlightBytes: count(1, Infinity),
  vipChannel: flag,
  trace,
  signal: abortSignal,
}

const producerChecks = {
  ...sendingChecks,
  checkTransaction: callback,
}

const producerNames = {
  ...GROUP,
  ...{ producerGroup: 'group', sendTimeout: 'sendTimeoutMs', timeout: 'sendTimeoutMs' },
  ...{ sendMsgTimeout: 'sendTimeoutMs', retries: 'retryTimes', maxAttempts: 'retryTimes' },
  ...{ compressMsgBodyOverHowmuch: 'compressOverBytes', maxMessageSize: 'maxMessageBytes' },
  sendLatencyFaultEnable: 'avoidSlowBrokers',
}

/** Of `mq.producer()`. */
export const producerOptions = {
  checks: producerChecks,
  otherNames: producerNames,
  advice: { check: 'Transactions are of mq.transactionProducer({ group, check }).' },
}

/** Of a Producer that is made by itself. */
export const lonelyProducerOptions = {
  checks: { ...own, ...producerChecks },
  otherNames: producerNames,
}

/** Of `mq.transactionProducer()`. */
export const transactionProducerOptions = {
  checks: { ...sendingChecks, check: callback },
  otherNames: { ...producerNames, checker: 'check', checkTransaction: 'check' },
}

const startsFrom: Check = (value) => {
  if (value === 'first' || value === 'last') return undefined
  const isDate = value instanceof Date && !Number.isNaN(Number(value))
  const at = isObject(value) ? value['timestampMs'] : undefined
  if (isDate || (typeof at === 'number' && at >= 0)) return undefined
  return `${shown(value)} is none of 'first', 'last', a Date and { timestampMs }`
}

/** A length of time in ms; anything else as it is. */
function asMs(value: unknown): unknown {
  try {
    return durationMs(value as Duration, '')
  } catch {
    return value
  }
}

function rateLimit(value: unknown): string | undefined {
  if (!isObject(value)) return `${shown(value)} is no { messages, per }`
  const unknown = Object.keys(value).find((name) => name !== 'messages' && name !== 'per')
  if (unknown !== undefined) return `it has no ${unknown}, but messages, per`
  const { messages, per = 1 } = value
  const problem = count(1)(messages)
  if (problem !== undefined) return `messages: ${problem}`
  const wrong = ms(1)(asMs(per))
  return wrong === undefined ? undefined : `per: ${wrong}`
}

const pushChecks = {
  group: anyText,
  consumeFrom: startsFrom,
  concurrency: count(1),
  concurrencyKey: callback,
  rateLimit,
  model: oneOf('CLUSTERING', 'BROADCASTING'),
  ordered: flag,
  suspendCurrentQueueMs: ms(10, 30_000),
  maxReconsumeTimes: count(0),
  consumeTimeout: (value: unknown) => ms(1)(asMs(value)),
  offsetsDirectory: text,
  pullBatchSize: count(1, 1024),
  pullThresholdForQueue: count(1),
  pullThresholdSizeForQueue: count(1),
  consumeConcurrentlyMaxSpan: count(1),
  allocate: callback,
  trace,
  persistOffsetsMs: ms(1),
  rebalanceMs: ms(1),
}

const consumerNames = {
  ...GROUP,
  ...{ consumerGroup: 'group', topic: 'subscriptions', topics: 'subscriptions' },
  ...{
    subscription: 'subscriptions',
    fromBeginning: 'consumeFrom',
    maxAttempts: 'maxReconsumeTimes',
  },
  ...{ consumeFromWhere: 'consumeFrom', messageModel: 'model', orderly: 'ordered' },
  ...{ consumeTimeoutMs: 'consumeTimeout', timeout: 'consumeTimeout' },
  ...{ consumeThreadMax: 'concurrency', consumeThreadMin: 'concurrency' },
  ...{ partitionsConsumedConcurrently: 'concurrency', groupBy: 'concurrencyKey' },
  ...{ key: 'concurrencyKey', limiter: 'rateLimit', throttle: 'rateLimit' },
}

/** Of `mq.consumer()`. */
export const consumerOptions = {
  checks: {
    ...pushChecks,
    subscriptions,
    serde: withMethods('encode', 'decode'),
    onInvalid: oneOf('fail', 'skip', 'deadLetter'),
    signal: abortSignal,
  },
  otherNames: consumerNames,
  advice: {
    messageListener: 'The handler is given to consumer.run().',
    autoCommit:
      'Offsets are stored by themselves, of what was consumed: persistOffsetsMs says how often.',
  },
}

/** Of a PushConsumer that is made by itself. */
export const lonelyConsumerOptions = {
  checks: { ...own, ...pushChecks },
  otherNames: consumerNames,
}

/** Tags or SQL92 by topic. */
function subscriptions(value: unknown): string | undefined {
  if (!isObject(value) || Array.isArray(value)) {
    return `${shown(value)} is no object: give { topic: '*' }, { topic: 'paid || refunded' } or { topic: { sql } }`
  }
  const all = Object.entries(value)
  if (all.length === 0) return "it names no topic: give { topic: '*' }"
  for (const [topic, wanted] of all) {
    const problem = topicProblem(topic)?.replace(/\.$/, '') ?? expression(wanted)
    if (problem !== undefined) return `of ${topic}, ${problem}`
  }
  return undefined
}

/** Tags, or SQL92. */
function expression(value: unknown): string | undefined {
  if (typeof value === 'string') {
    const isNothing = value.trim() !== '' && value.split('||').every((tag) => tag.trim() === '')
    return isNothing ? `${shown(value)} names no tag` : undefined
  }
  const isSql =
    isObject(value) && typeof value['sql'] === 'string' && Object.keys(value).length === 1
  return isSql
    ? undefined
    : `${shown(value)} is neither tags such as 'paid || refunded' nor { sql }`
}

const readerChecks = {
  topic: text,
  from: (value: unknown) => {
    const offset = isObject(value) ? value['offset'] : undefined
    const isOffset = typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0
    const problem = isOffset ? undefined : startsFrom(value)
    return problem?.replace(' and {', ', { offset } and {')
  },
  queues: (value: unknown) =>
    Array.isArray(value) ? undefined : `${shown(value)} is no list of queues`,
  serde: withMethods('encode', 'decode'),
  expression,
  signal: abortSignal,
}

/** Of `mq.reader()`. */
export const readerOptions = {
  checks: readerChecks,
  otherNames: { consumeFrom: 'from', fromBeginning: 'from', tag: 'expression', sql: 'expression' },
  advice: { group: 'A reader is in no group; mq.consumer() is.' },
}

/** Of a TopicReader that is made by itself. */
export const lonelyReaderOptions = {
  checks: { ...own, ...readerChecks },
}

const sendChecks = {
  queue: (value: unknown) =>
    isObject(value) && typeof value['brokerName'] === 'string' && Number.isInteger(value['queueId'])
      ? undefined
      : `${shown(value)} is no { topic, brokerName, queueId }`,
  selector: callback,
  timeout: ms(1),
  signal: abortSignal,
  require: oneOf('SEND_OK', 'stored'),
}

const sendNames = {
  ...{ timeoutMs: 'timeout', sendTimeoutMs: 'timeout', sendTimeout: 'timeout' },
  ...{ messageQueue: 'queue', queueSelector: 'selector' },
}

/** Of one send. */
export const sendOptions = { checks: sendChecks, otherNames: sendNames }

/** Of one reply. */
export const replyOptions = {
  checks: { ...sendChecks, properties: any },
  otherNames: sendNames,
}

/** Of one request. */
export const requestOptions = {
  checks: {
    timeout: ms(1),
    signal: abortSignal,
    serde: withMethods('encode', 'decode'),
  },
  otherNames: { timeoutMs: 'timeout', ttl: 'timeout' },
}

/** Of `consumer.batches()`. */
export const batchOptions = {
  checks: { max: count(1), maxWait: ms(0) },
  otherNames: { size: 'max', maxSize: 'max', timeout: 'maxWait', maxWaitMs: 'maxWait' },
}

/** Of what may be aborted. */
export const callOptions = { checks: { signal: abortSignal } }

/** Of `close()`. */
export const closeOptions = {
  checks: { timeout: ms(0), signal: abortSignal },
  otherNames: { timeoutMs: 'timeout', deadline: 'timeout' },
}

const duration: Check = (value) => ms(0, Infinity)(asMs(value))

/** Of `health()`. */
export const healthOptions = {
  checks: { stuckAfter: duration, slowAfter: duration, failingAfter: duration },
}

/** Of `topics.create()`. */
export const topicOptions = {
  checks: {
    queues: count(1),
    perm: count(0, 15),
    cluster: text,
    order: flag,
    attributes: anyText,
    signal: abortSignal,
  },
  otherNames: {
    ...{ queueNum: 'queues', queueNums: 'queues', partitions: 'queues', numPartitions: 'queues' },
    ...{ readQueueNums: 'queues', writeQueueNums: 'queues', clusterName: 'cluster' },
  },
}

/** Of `groups.create()`: its settings, which the broker looks at. */
export const groupSettings = {
  checks: {
    // Of one that `groups.list()` gave.
    groupName: any,
    ...{ consumeEnable: flag, consumeFromMinEnable: flag, consumeBroadcastEnable: flag },
    ...{ consumeMessageOrderly: flag, notifyConsumerIdsChangedEnable: flag },
    ...{ retryQueueNums: count(0), retryMaxTimes: count(-1), groupRetryPolicy: any },
    ...{ brokerId: count(0), whichBrokerWhenConsumeSlowly: count(0), groupSysFlag: count(0) },
    ...{ consumeTimeoutMinute: count(0), subscriptionDataSet: any, attributes: any },
  },
  otherNames: { maxReconsumeTimes: 'retryMaxTimes', retryMaxTime: 'retryMaxTimes' },
}

/** Of `consumer.seek()`. */
export const seekOptions = { checks: { to: startsFrom } }

/** Of `groups.resetOffsets()`. */
export const resetOptions = {
  checks: { to: startsFrom, dryRun: flag, signal: abortSignal },
  otherNames: { from: 'to', timestamp: 'to', force: 'dryRun' },
}

const browseChecks = {
  from: date,
  to: date,
  expression,
  signal: abortSignal,
}

/** Of `messages.browse()` and `deadLetters.list()`. */
export const browseOptions = { checks: browseChecks }

/** Of `deadLetters.replay()`. */
export const replayOptions = {
  checks: { ...browseChecks, filter: callback, topic: text, dryRun: flag },
}

/** Of `transactions.open()`. */
export const openTransactionsOptions = { checks: { max: count(1), signal: abortSignal } }

/** Of `messages.query()`. */
export const queryOptions = {
  checks: {
    beginTimestamp: ms(0, Infinity),
    endTimestamp: ms(0, Infinity),
    maxNum: count(1),
    signal: abortSignal,
  },
  otherNames: { from: 'beginTimestamp', to: 'endTimestamp', max: 'maxNum' },
}

function date(value: unknown): string | undefined {
  const isDate = value instanceof Date && !Number.isNaN(Number(value))
  return isDate ? undefined : `${shown(value)} is no Date`
}
