import { brokerRequests } from '@skylarkmq/protocol'
import type { AnyRequest, Gate, Processor, ServiceTable } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import {
  getBrokerConsumeStats,
  getBrokerHaStatus,
  queryCorrectionOffset,
} from './broker-wide-stats.ts'
import {
  cleanExpiredConsumequeue,
  cleanUnusedTopic,
  deleteExpiredCommitlog,
  getBrokerConfig,
  updateBrokerConfig,
} from './broker-config.ts'
import {
  getAllProducerInfo,
  getConsumerConnectionList,
  getProducerConnectionList,
  querySubscriptionByConsumer,
  queryTopicsByConsumer,
} from './client-connection.ts'
import {
  cloneGroupOffset,
  consumeMessageDirectly,
  getAllConsumerOffset,
  getAllDelayOffset,
  getConsumerRunningInfo,
  invokeBrokerToGetConsumerStatus,
  invokeBrokerToResetOffset,
} from './client-offset.ts'
import {
  getColdDataFlowCtrInfo,
  removeColdDataFlowCtrConfig,
  setCommitlogReadMode,
  updateColdDataFlowCtrConfig,
} from './cold-data.ts'
import { getConsumerListByGroup, lockBatchMq, unlockBatchMq } from './consumer-group.ts'
import { queryConsumerOffset, updateConsumerOffset } from './consumer-offset.ts'
import { consumerSendMsgBack } from './consumer-send-msg-back.ts'
import {
  deleteSubscriptiongroup,
  getAllSubscriptiongroupConfig,
  getSubscriptiongroupConfig,
  updateAndCreateSubscriptiongroup,
  updateAndCreateSubscriptiongroupList,
  updateAndGetGroupForbidden,
} from './group-admin.ts'
import { notOnSlave, notWhileBusy, type Action } from './gates.ts'
import { endTransaction, resumeCheckHalfMessage } from './end-transaction.ts'
import { checkClientConfig, heartBeat, unregisterClient } from './heartbeat.ts'
import type { BrokerLanes, LaneName } from '../flow/lanes.ts'
import { pullMessage } from './pull-message.ts'
import {
  getAllMessageRequestMode,
  queryAssignment,
  setMessageRequestMode,
} from './query-assignment.ts'
import { queryConsumeQueue } from './query-consume-queue.ts'
import { queryMessage, viewMessageById } from './query-message.ts'
import {
  getEarliestMsgStoretime,
  getMaxOffset,
  getMinOffset,
  searchOffsetByTimestamp,
} from './queue-offset.ts'
import { recallMessage } from './recall-message.ts'
import { getBrokerRuntimeInfo } from './runtime-info.ts'
import { sendMessage } from './send-message.ts'
import { sendReplyMessage } from './send-reply-message.ts'
import { getTimerCheckPoint, getTimerMetrics } from './timer-state.ts'
import {
  deleteTopicInBroker,
  getAllTopicConfig,
  getSystemTopicListFromBroker,
  getTopicConfig,
  updateAndCreateTopic,
  updateAndCreateTopicList,
} from './topic-admin.ts'
import {
  getConsumeStats,
  getTopicStatsInfo,
  queryConsumeTimeSpan,
  queryTopicConsumeByWho,
  viewBrokerStatsData,
} from './topic-stats.ts'

/**
 * Requests that Apache's broker serves and this one does not yet, and why: they are answered
 * REQUEST_CODE_NOT_SUPPORTED, and docs/reference/compatibility.md lists them.
 */
export const notServed = {
  POP_MESSAGE: 'POP is not built yet',
  ACK_MESSAGE: 'POP is not built yet',
  BATCH_ACK_MESSAGE: 'POP is not built yet',
  CHANGE_MESSAGE_INVISIBLETIME: 'POP is not built yet',
  NOTIFICATION: 'POP is not built yet',
  PEEK_MESSAGE: 'POP is not built yet',
  POLLING_INFO: 'POP is not built yet',
  POP_ROLLBACK: 'POP is not built yet',
  UPDATE_AND_CREATE_STATIC_TOPIC: 'static topics are not built',
  CHECK_ROCKSDB_CQ_WRITE_PROGRESS: 'there is no RocksDB here',
  EXPORT_ROCKSDB_CONFIG_TO_JSON: 'there is no RocksDB here',
  AUTH_CREATE_USER: 'access control is not built yet',
  AUTH_UPDATE_USER: 'access control is not built yet',
  AUTH_DELETE_USER: 'access control is not built yet',
  AUTH_GET_USER: 'access control is not built yet',
  AUTH_LIST_USER: 'access control is not built yet',
  AUTH_CREATE_ACL: 'access control is not built yet',
  AUTH_UPDATE_ACL: 'access control is not built yet',
  AUTH_DELETE_ACL: 'access control is not built yet',
  AUTH_GET_ACL: 'access control is not built yet',
  AUTH_LIST_ACL: 'access control is not built yet',
  EXCHANGE_BROKER_HA_INFO: 'replication is not built yet',
  RESET_MASTER_FLUSH_OFFSET: 'replication is not built yet',
  NOTIFY_MIN_BROKER_ID_CHANGE: 'replication is not built yet',
  ADD_BROKER: 'only a broker container serves it',
  REMOVE_BROKER: 'only a broker container serves it',
  GET_BROKER_EPOCH_CACHE: 'the controller mode is not built',
  NOTIFY_BROKER_ROLE_CHANGED: 'the controller mode is not built',
} as const satisfies Partial<Record<keyof typeof brokerRequests, string>>

type Served = Omit<typeof brokerRequests, keyof typeof notServed>

/** The requests that the broker serves. */
export const servedRequests = Object.fromEntries(
  Object.entries(brokerRequests).filter(([name]) => !(name in notServed)),
) as Served & Record<string, AnyRequest>

/** How the broker serves one request. */
interface ServedRow<D extends AnyRequest> {
  readonly process: Processor<BrokerContext, D>
  /** What it does to the topics and groups that it names. Apache: `Action.java`. */
  readonly action: Action
  /** What limits it; `admin` when it is not said. */
  readonly lane?: LaneName
  /** What may turn it away before it is processed, in this order. */
  readonly gates?: readonly Gate<BrokerContext>[]
}

/** A row for each request; one that is neither here nor in `notServed` does not compile. */
const rows: { readonly [K in keyof Served]: ServedRow<Served[K]> } = {
  SEND_MESSAGE: { process: sendMessage, action: 'Pub', lane: 'send', gates: [notWhileBusy] },
  SEND_MESSAGE_V2: { process: sendMessage, action: 'Pub', lane: 'send', gates: [notWhileBusy] },
  SEND_BATCH_MESSAGE: { process: sendMessage, action: 'Pub', lane: 'send', gates: [notWhileBusy] },
  SEND_REPLY_MESSAGE: { process: sendReplyMessage, action: 'Pub', lane: 'reply' },
  SEND_REPLY_MESSAGE_V2: { process: sendReplyMessage, action: 'Pub', lane: 'reply' },
  RECALL_MESSAGE: { process: recallMessage, action: 'Pub', lane: 'send', gates: [notWhileBusy] },
  GET_TIMER_CHECK_POINT: { process: getTimerCheckPoint, action: 'Get' },
  GET_TIMER_METRICS: { process: getTimerMetrics, action: 'Get' },
  PULL_MESSAGE: { process: pullMessage, action: 'Sub', lane: 'pull' },
  LITE_PULL_MESSAGE: { process: pullMessage, action: 'Sub', lane: 'litePull' },
  QUERY_MESSAGE: { process: queryMessage, action: 'Get', lane: 'query' },
  VIEW_MESSAGE_BY_ID: { process: viewMessageById, action: 'Get', lane: 'query' },
  QUERY_CONSUMER_OFFSET: { process: queryConsumerOffset, action: 'Sub', lane: 'consumerManage' },
  UPDATE_CONSUMER_OFFSET: { process: updateConsumerOffset, action: 'Sub', lane: 'consumerManage' },
  SEARCH_OFFSET_BY_TIMESTAMP: { process: searchOffsetByTimestamp, action: 'Get' },
  GET_MAX_OFFSET: { process: getMaxOffset, action: 'Get' },
  GET_MIN_OFFSET: { process: getMinOffset, action: 'Get' },
  GET_EARLIEST_MSG_STORETIME: { process: getEarliestMsgStoretime, action: 'Get' },
  HEART_BEAT: { process: heartBeat, action: 'Sub', lane: 'heartbeat' },
  UNREGISTER_CLIENT: { process: unregisterClient, action: 'Sub', lane: 'clientManage' },
  CHECK_CLIENT_CONFIG: { process: checkClientConfig, action: 'Sub', lane: 'clientManage' },
  GET_CONSUMER_LIST_BY_GROUP: {
    process: getConsumerListByGroup,
    action: 'Sub',
    lane: 'consumerManage',
  },
  QUERY_ASSIGNMENT: { process: queryAssignment, action: 'Sub', lane: 'loadBalance' },
  SET_MESSAGE_REQUEST_MODE: {
    process: setMessageRequestMode,
    action: 'Update',
    lane: 'loadBalance',
  },
  GET_ALL_MESSAGE_REQUEST_MODE: { process: getAllMessageRequestMode, action: 'Get' },
  LOCK_BATCH_MQ: { process: lockBatchMq, action: 'Sub' },
  UNLOCK_BATCH_MQ: { process: unlockBatchMq, action: 'Sub' },
  CONSUMER_SEND_MSG_BACK: {
    process: consumerSendMsgBack,
    action: 'Sub',
    lane: 'send',
    gates: [notWhileBusy],
  },
  END_TRANSACTION: {
    process: endTransaction,
    action: 'Pub',
    lane: 'endTransaction',
    gates: [notOnSlave],
  },
  RESUME_CHECK_HALF_MESSAGE: { process: resumeCheckHalfMessage, action: 'Update' },
  INVOKE_BROKER_TO_RESET_OFFSET: { process: invokeBrokerToResetOffset, action: 'Update' },
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS: { process: invokeBrokerToGetConsumerStatus, action: 'Get' },
  GET_CONSUMER_RUNNING_INFO: { process: getConsumerRunningInfo, action: 'Get' },
  CONSUME_MESSAGE_DIRECTLY: { process: consumeMessageDirectly, action: 'Update' },
  UPDATE_AND_CREATE_TOPIC: { process: updateAndCreateTopic, action: 'Create' },
  UPDATE_AND_CREATE_TOPIC_LIST: { process: updateAndCreateTopicList, action: 'Create' },
  DELETE_TOPIC_IN_BROKER: { process: deleteTopicInBroker, action: 'Delete' },
  GET_ALL_TOPIC_CONFIG: { process: getAllTopicConfig, action: 'List' },
  GET_TOPIC_CONFIG: { process: getTopicConfig, action: 'Get' },
  GET_SYSTEM_TOPIC_LIST_FROM_BROKER: { process: getSystemTopicListFromBroker, action: 'List' },
  GET_TOPIC_STATS_INFO: { process: getTopicStatsInfo, action: 'Get' },
  QUERY_TOPIC_CONSUME_BY_WHO: { process: queryTopicConsumeByWho, action: 'Get' },
  QUERY_TOPICS_BY_CONSUMER: { process: queryTopicsByConsumer, action: 'Get' },
  QUERY_SUBSCRIPTION_BY_CONSUMER: { process: querySubscriptionByConsumer, action: 'Get' },
  QUERY_CONSUME_TIME_SPAN: { process: queryConsumeTimeSpan, action: 'Get' },
  QUERY_CONSUME_QUEUE: { process: queryConsumeQueue, action: 'Get' },
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: {
    process: updateAndCreateSubscriptiongroup,
    action: 'Update',
  },
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: {
    process: updateAndCreateSubscriptiongroupList,
    action: 'Update',
  },
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG: { process: getAllSubscriptiongroupConfig, action: 'Get' },
  GET_SUBSCRIPTIONGROUP_CONFIG: { process: getSubscriptiongroupConfig, action: 'Get' },
  DELETE_SUBSCRIPTIONGROUP: { process: deleteSubscriptiongroup, action: 'Delete' },
  UPDATE_AND_GET_GROUP_FORBIDDEN: { process: updateAndGetGroupForbidden, action: 'Update' },
  GET_CONSUMER_CONNECTION_LIST: { process: getConsumerConnectionList, action: 'Get' },
  GET_PRODUCER_CONNECTION_LIST: { process: getProducerConnectionList, action: 'Get' },
  GET_ALL_PRODUCER_INFO: { process: getAllProducerInfo, action: 'Get' },
  GET_CONSUME_STATS: { process: getConsumeStats, action: 'Get' },
  GET_BROKER_CONSUME_STATS: { process: getBrokerConsumeStats, action: 'Get' },
  QUERY_CORRECTION_OFFSET: { process: queryCorrectionOffset, action: 'Get' },
  GET_BROKER_HA_STATUS: { process: getBrokerHaStatus, action: 'Get' },
  CLONE_GROUP_OFFSET: { process: cloneGroupOffset, action: 'Update' },
  VIEW_BROKER_STATS_DATA: { process: viewBrokerStatsData, action: 'Get' },
  GET_ALL_CONSUMER_OFFSET: { process: getAllConsumerOffset, action: 'Get' },
  GET_ALL_DELAY_OFFSET: { process: getAllDelayOffset, action: 'Get' },
  UPDATE_BROKER_CONFIG: { process: updateBrokerConfig, action: 'Update' },
  GET_BROKER_CONFIG: { process: getBrokerConfig, action: 'Get' },
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG: { process: updateColdDataFlowCtrConfig, action: 'Update' },
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG: { process: removeColdDataFlowCtrConfig, action: 'Update' },
  GET_COLD_DATA_FLOW_CTR_INFO: { process: getColdDataFlowCtrInfo, action: 'Get' },
  SET_COMMITLOG_READ_MODE: { process: setCommitlogReadMode, action: 'Update' },
  GET_BROKER_RUNTIME_INFO: { process: getBrokerRuntimeInfo, action: 'Get' },
  CLEAN_EXPIRED_CONSUMEQUEUE: { process: cleanExpiredConsumequeue, action: 'Update' },
  CLEAN_UNUSED_TOPIC: { process: cleanUnusedTopic, action: 'Update' },
  DELETE_EXPIRED_COMMITLOG: { process: deleteExpiredCommitlog, action: 'Update' },
}

/** What each request does, for the reference: its lane and its action. */
export const servedAs: Readonly<
  Record<string, { readonly lane: LaneName; readonly action: Action }>
> = Object.fromEntries(
  Object.entries(rows).map(([name, { lane = 'admin', action }]) => [name, { lane, action }]),
)

/** The services of a broker with these lanes. */
export function servicesOf(lanes: BrokerLanes): ServiceTable<BrokerContext, Served> {
  const services = Object.entries(rows).map(([name, { process, gates, lane = 'admin' }]) => [
    name,
    { process, lane: lanes.of(lane), ...(gates === undefined ? {} : { gates }) },
  ])
  return Object.fromEntries(services) as ServiceTable<BrokerContext, Served>
}
