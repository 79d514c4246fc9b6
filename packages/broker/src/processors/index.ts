import { brokerRequests } from '@skylarkmq/protocol'
import type { AnyRequest, ProcessorTable } from '@skylarkmq/remoting'
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
import { endTransaction, resumeCheckHalfMessage } from './end-transaction.ts'
import { checkClientConfig, heartBeat, unregisterClient } from './heartbeat.ts'
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

/** The processor of each request; one that is neither here nor in `notServed` does not compile. */
export const processors: ProcessorTable<BrokerContext, Served> = {
  SEND_MESSAGE: sendMessage,
  SEND_MESSAGE_V2: sendMessage,
  SEND_BATCH_MESSAGE: sendMessage,
  SEND_REPLY_MESSAGE: sendReplyMessage,
  SEND_REPLY_MESSAGE_V2: sendReplyMessage,
  RECALL_MESSAGE: recallMessage,
  GET_TIMER_CHECK_POINT: getTimerCheckPoint,
  GET_TIMER_METRICS: getTimerMetrics,
  PULL_MESSAGE: pullMessage,
  LITE_PULL_MESSAGE: pullMessage,
  QUERY_MESSAGE: queryMessage,
  VIEW_MESSAGE_BY_ID: viewMessageById,
  QUERY_CONSUMER_OFFSET: queryConsumerOffset,
  UPDATE_CONSUMER_OFFSET: updateConsumerOffset,
  SEARCH_OFFSET_BY_TIMESTAMP: searchOffsetByTimestamp,
  GET_MAX_OFFSET: getMaxOffset,
  GET_MIN_OFFSET: getMinOffset,
  GET_EARLIEST_MSG_STORETIME: getEarliestMsgStoretime,
  HEART_BEAT: heartBeat,
  UNREGISTER_CLIENT: unregisterClient,
  CHECK_CLIENT_CONFIG: checkClientConfig,
  GET_CONSUMER_LIST_BY_GROUP: getConsumerListByGroup,
  QUERY_ASSIGNMENT: queryAssignment,
  SET_MESSAGE_REQUEST_MODE: setMessageRequestMode,
  GET_ALL_MESSAGE_REQUEST_MODE: getAllMessageRequestMode,
  LOCK_BATCH_MQ: lockBatchMq,
  UNLOCK_BATCH_MQ: unlockBatchMq,
  CONSUMER_SEND_MSG_BACK: consumerSendMsgBack,
  END_TRANSACTION: endTransaction,
  RESUME_CHECK_HALF_MESSAGE: resumeCheckHalfMessage,
  INVOKE_BROKER_TO_RESET_OFFSET: invokeBrokerToResetOffset,
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS: invokeBrokerToGetConsumerStatus,
  GET_CONSUMER_RUNNING_INFO: getConsumerRunningInfo,
  CONSUME_MESSAGE_DIRECTLY: consumeMessageDirectly,
  UPDATE_AND_CREATE_TOPIC: updateAndCreateTopic,
  UPDATE_AND_CREATE_TOPIC_LIST: updateAndCreateTopicList,
  DELETE_TOPIC_IN_BROKER: deleteTopicInBroker,
  GET_ALL_TOPIC_CONFIG: getAllTopicConfig,
  GET_TOPIC_CONFIG: getTopicConfig,
  GET_SYSTEM_TOPIC_LIST_FROM_BROKER: getSystemTopicListFromBroker,
  GET_TOPIC_STATS_INFO: getTopicStatsInfo,
  QUERY_TOPIC_CONSUME_BY_WHO: queryTopicConsumeByWho,
  QUERY_TOPICS_BY_CONSUMER: queryTopicsByConsumer,
  QUERY_SUBSCRIPTION_BY_CONSUMER: querySubscriptionByConsumer,
  QUERY_CONSUME_TIME_SPAN: queryConsumeTimeSpan,
  QUERY_CONSUME_QUEUE: queryConsumeQueue,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: updateAndCreateSubscriptiongroup,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: updateAndCreateSubscriptiongroupList,
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG: getAllSubscriptiongroupConfig,
  GET_SUBSCRIPTIONGROUP_CONFIG: getSubscriptiongroupConfig,
  DELETE_SUBSCRIPTIONGROUP: deleteSubscriptiongroup,
  UPDATE_AND_GET_GROUP_FORBIDDEN: updateAndGetGroupForbidden,
  GET_CONSUMER_CONNECTION_LIST: getConsumerConnectionList,
  GET_PRODUCER_CONNECTION_LIST: getProducerConnectionList,
  GET_ALL_PRODUCER_INFO: getAllProducerInfo,
  GET_CONSUME_STATS: getConsumeStats,
  GET_BROKER_CONSUME_STATS: getBrokerConsumeStats,
  QUERY_CORRECTION_OFFSET: queryCorrectionOffset,
  GET_BROKER_HA_STATUS: getBrokerHaStatus,
  CLONE_GROUP_OFFSET: cloneGroupOffset,
  VIEW_BROKER_STATS_DATA: viewBrokerStatsData,
  GET_ALL_CONSUMER_OFFSET: getAllConsumerOffset,
  GET_ALL_DELAY_OFFSET: getAllDelayOffset,
  UPDATE_BROKER_CONFIG: updateBrokerConfig,
  GET_BROKER_CONFIG: getBrokerConfig,
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG: updateColdDataFlowCtrConfig,
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG: removeColdDataFlowCtrConfig,
  GET_COLD_DATA_FLOW_CTR_INFO: getColdDataFlowCtrInfo,
  SET_COMMITLOG_READ_MODE: setCommitlogReadMode,
  GET_BROKER_RUNTIME_INFO: getBrokerRuntimeInfo,
  CLEAN_EXPIRED_CONSUMEQUEUE: cleanExpiredConsumequeue,
  CLEAN_UNUSED_TOPIC: cleanUnusedTopic,
  DELETE_EXPIRED_COMMITLOG: deleteExpiredCommitlog,
}
