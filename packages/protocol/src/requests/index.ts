import {
  AuthCreateAcl,
  AuthCreateUser,
  AuthDeleteAcl,
  AuthDeleteUser,
  AuthGetAcl,
  AuthGetUser,
  AuthListAcl,
  AuthListUser,
  AuthUpdateAcl,
  AuthUpdateUser,
} from './auth.ts'
import {
  CheckRocksdbCqWriteProgress,
  CleanExpiredConsumequeue,
  CleanUnusedTopic,
  DeleteExpiredCommitlog,
  ExportRocksdbConfigToJson,
  GetBrokerConfig,
  GetBrokerRuntimeInfo,
  GetTimerCheckPoint,
  GetTimerMetrics,
  UpdateBrokerConfig,
} from './broker-config.ts'
import {
  GetAllProducerInfo,
  GetConsumerConnectionList,
  GetProducerConnectionList,
} from './client-connection.ts'
import {
  GetConsumerStatusFromClient,
  InvokeBrokerToGetConsumerStatus,
  InvokeBrokerToResetOffset,
  ResetConsumerClientOffset,
} from './client-offset.ts'
import { GetBrokerClusterInfo } from './cluster-info.ts'
import {
  GetColdDataFlowCtrInfo,
  RemoveColdDataFlowCtrConfig,
  SetCommitlogReadMode,
  UpdateColdDataFlowCtrConfig,
} from './cold-data.ts'
import {
  CloneGroupOffset,
  GetAllConsumerOffset,
  GetAllDelayOffset,
  GetBrokerConsumeStats,
  GetConsumeStats,
  QueryCorrectionOffset,
  ViewBrokerStatsData,
} from './consume-stats.ts'
import {
  GetConsumerListByGroup,
  LockBatchMq,
  NotifyConsumerIdsChanged,
  UnlockBatchMq,
} from './consumer-group.ts'
import { QueryConsumerOffset, UpdateConsumerOffset } from './consumer-offset.ts'
import { ConsumeMessageDirectly, GetConsumerRunningInfo } from './consumer-running-info.ts'
import { ConsumerSendMsgBack } from './consumer-send-msg-back.ts'
import { CheckClientConfig, HeartBeat, UnregisterClient } from './heartbeat.ts'
import {
  AddBroker,
  ExchangeBrokerHaInfo,
  GetBrokerEpochCache,
  GetBrokerHaStatus,
  NotifyBrokerRoleChanged,
  NotifyMinBrokerIdChange,
  RemoveBroker,
  ResetMasterFlushOffset,
} from './high-availability.ts'
import {
  DeleteKvConfig,
  GetKvConfig,
  GetKvlistByNamespace,
  GetNamesrvConfig,
  PutKvConfig,
  UpdateNamesrvConfig,
} from './kv-config.ts'
import {
  DeleteTopicInNamesrv,
  GetAllTopicListFromNameserver,
  GetHasUnitSubTopicList,
  GetHasUnitSubUnunitTopicList,
  GetSystemTopicListFromNs,
  GetTopicsByCluster,
  GetUnitTopicList,
  RegisterTopicInNamesrv,
} from './name-server-topics.ts'
import {
  AckMessage,
  BatchAckMessage,
  ChangeMessageInvisibletime,
  Notification,
  PeekMessage,
  PollingInfo,
  PopMessage,
  PopRollback,
} from './pop-message.ts'
import { LitePullMessage, PullMessage } from './pull-message.ts'
import {
  GetAllMessageRequestMode,
  QueryAssignment,
  SetMessageRequestMode,
} from './query-assignment.ts'
import { QueryMessage, ViewMessageById } from './query-message.ts'
import {
  GetEarliestMsgStoretime,
  GetMaxOffset,
  GetMinOffset,
  SearchOffsetByTimestamp,
} from './queue-offset.ts'
import { RecallMessage } from './recall-message.ts'
import {
  BrokerHeartbeat,
  GetBrokerMemberGroup,
  QueryDataVersion,
  RegisterBroker,
  UnregisterBroker,
} from './register-broker.ts'
import { PushReplyMessageToClient } from './reply-message.ts'
import { GetRouteinfoByTopic } from './route.ts'
import {
  SendBatchMessage,
  SendMessage,
  SendMessageV2,
  SendReplyMessage,
  SendReplyMessageV2,
} from './send-message.ts'
import {
  DeleteSubscriptiongroup,
  GetAllSubscriptiongroupConfig,
  GetSubscriptiongroupConfig,
  UpdateAndCreateSubscriptiongroup,
  UpdateAndCreateSubscriptiongroupList,
  UpdateAndGetGroupForbidden,
} from './subscription-group.ts'
import {
  DeleteTopicInBroker,
  GetAllTopicConfig,
  GetSystemTopicListFromBroker,
  GetTopicConfig,
  UpdateAndCreateStaticTopic,
  UpdateAndCreateTopic,
  UpdateAndCreateTopicList,
} from './topic-config.ts'
import {
  GetTopicStatsInfo,
  QueryConsumeQueue,
  QueryConsumeTimeSpan,
  QuerySubscriptionByConsumer,
  QueryTopicConsumeByWho,
  QueryTopicsByConsumer,
} from './topic-stats.ts'
import { CheckTransactionState, EndTransaction, ResumeCheckHalfMessage } from './transaction.ts'
import { AddWritePermOfBroker, WipeWritePermOfBroker } from './write-perm.ts'

/** What a broker is asked, by clients, admin tools, slaves and name servers. */
export const brokerRequests = {
  SEND_MESSAGE: SendMessage,
  SEND_MESSAGE_V2: SendMessageV2,
  SEND_BATCH_MESSAGE: SendBatchMessage,
  SEND_REPLY_MESSAGE: SendReplyMessage,
  SEND_REPLY_MESSAGE_V2: SendReplyMessageV2,
  PULL_MESSAGE: PullMessage,
  LITE_PULL_MESSAGE: LitePullMessage,
  QUERY_MESSAGE: QueryMessage,
  VIEW_MESSAGE_BY_ID: ViewMessageById,
  QUERY_CONSUMER_OFFSET: QueryConsumerOffset,
  UPDATE_CONSUMER_OFFSET: UpdateConsumerOffset,
  SEARCH_OFFSET_BY_TIMESTAMP: SearchOffsetByTimestamp,
  GET_MAX_OFFSET: GetMaxOffset,
  GET_MIN_OFFSET: GetMinOffset,
  GET_EARLIEST_MSG_STORETIME: GetEarliestMsgStoretime,
  HEART_BEAT: HeartBeat,
  UNREGISTER_CLIENT: UnregisterClient,
  CHECK_CLIENT_CONFIG: CheckClientConfig,
  GET_CONSUMER_LIST_BY_GROUP: GetConsumerListByGroup,
  LOCK_BATCH_MQ: LockBatchMq,
  UNLOCK_BATCH_MQ: UnlockBatchMq,
  CONSUMER_SEND_MSG_BACK: ConsumerSendMsgBack,
  END_TRANSACTION: EndTransaction,
  RESUME_CHECK_HALF_MESSAGE: ResumeCheckHalfMessage,
  RECALL_MESSAGE: RecallMessage,
  INVOKE_BROKER_TO_RESET_OFFSET: InvokeBrokerToResetOffset,
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS: InvokeBrokerToGetConsumerStatus,
  GET_CONSUMER_RUNNING_INFO: GetConsumerRunningInfo,
  CONSUME_MESSAGE_DIRECTLY: ConsumeMessageDirectly,
  POP_MESSAGE: PopMessage,
  ACK_MESSAGE: AckMessage,
  BATCH_ACK_MESSAGE: BatchAckMessage,
  CHANGE_MESSAGE_INVISIBLETIME: ChangeMessageInvisibletime,
  NOTIFICATION: Notification,
  PEEK_MESSAGE: PeekMessage,
  POLLING_INFO: PollingInfo,
  POP_ROLLBACK: PopRollback,
  QUERY_ASSIGNMENT: QueryAssignment,
  SET_MESSAGE_REQUEST_MODE: SetMessageRequestMode,
  GET_ALL_MESSAGE_REQUEST_MODE: GetAllMessageRequestMode,
  UPDATE_AND_CREATE_TOPIC: UpdateAndCreateTopic,
  UPDATE_AND_CREATE_TOPIC_LIST: UpdateAndCreateTopicList,
  DELETE_TOPIC_IN_BROKER: DeleteTopicInBroker,
  GET_ALL_TOPIC_CONFIG: GetAllTopicConfig,
  GET_TOPIC_CONFIG: GetTopicConfig,
  GET_SYSTEM_TOPIC_LIST_FROM_BROKER: GetSystemTopicListFromBroker,
  UPDATE_AND_CREATE_STATIC_TOPIC: UpdateAndCreateStaticTopic,
  GET_TOPIC_STATS_INFO: GetTopicStatsInfo,
  QUERY_TOPIC_CONSUME_BY_WHO: QueryTopicConsumeByWho,
  QUERY_TOPICS_BY_CONSUMER: QueryTopicsByConsumer,
  QUERY_SUBSCRIPTION_BY_CONSUMER: QuerySubscriptionByConsumer,
  QUERY_CONSUME_TIME_SPAN: QueryConsumeTimeSpan,
  QUERY_CONSUME_QUEUE: QueryConsumeQueue,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: UpdateAndCreateSubscriptiongroup,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: UpdateAndCreateSubscriptiongroupList,
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG: GetAllSubscriptiongroupConfig,
  GET_SUBSCRIPTIONGROUP_CONFIG: GetSubscriptiongroupConfig,
  DELETE_SUBSCRIPTIONGROUP: DeleteSubscriptiongroup,
  UPDATE_AND_GET_GROUP_FORBIDDEN: UpdateAndGetGroupForbidden,
  GET_CONSUMER_CONNECTION_LIST: GetConsumerConnectionList,
  GET_PRODUCER_CONNECTION_LIST: GetProducerConnectionList,
  GET_ALL_PRODUCER_INFO: GetAllProducerInfo,
  GET_CONSUME_STATS: GetConsumeStats,
  GET_BROKER_CONSUME_STATS: GetBrokerConsumeStats,
  QUERY_CORRECTION_OFFSET: QueryCorrectionOffset,
  CLONE_GROUP_OFFSET: CloneGroupOffset,
  VIEW_BROKER_STATS_DATA: ViewBrokerStatsData,
  GET_ALL_CONSUMER_OFFSET: GetAllConsumerOffset,
  GET_ALL_DELAY_OFFSET: GetAllDelayOffset,
  UPDATE_BROKER_CONFIG: UpdateBrokerConfig,
  GET_BROKER_CONFIG: GetBrokerConfig,
  GET_BROKER_RUNTIME_INFO: GetBrokerRuntimeInfo,
  CLEAN_EXPIRED_CONSUMEQUEUE: CleanExpiredConsumequeue,
  CLEAN_UNUSED_TOPIC: CleanUnusedTopic,
  DELETE_EXPIRED_COMMITLOG: DeleteExpiredCommitlog,
  CHECK_ROCKSDB_CQ_WRITE_PROGRESS: CheckRocksdbCqWriteProgress,
  EXPORT_ROCKSDB_CONFIG_TO_JSON: ExportRocksdbConfigToJson,
  GET_TIMER_METRICS: GetTimerMetrics,
  GET_TIMER_CHECK_POINT: GetTimerCheckPoint,
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG: UpdateColdDataFlowCtrConfig,
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG: RemoveColdDataFlowCtrConfig,
  GET_COLD_DATA_FLOW_CTR_INFO: GetColdDataFlowCtrInfo,
  SET_COMMITLOG_READ_MODE: SetCommitlogReadMode,
  AUTH_CREATE_USER: AuthCreateUser,
  AUTH_UPDATE_USER: AuthUpdateUser,
  AUTH_DELETE_USER: AuthDeleteUser,
  AUTH_GET_USER: AuthGetUser,
  AUTH_LIST_USER: AuthListUser,
  AUTH_CREATE_ACL: AuthCreateAcl,
  AUTH_UPDATE_ACL: AuthUpdateAcl,
  AUTH_DELETE_ACL: AuthDeleteAcl,
  AUTH_GET_ACL: AuthGetAcl,
  AUTH_LIST_ACL: AuthListAcl,
  EXCHANGE_BROKER_HA_INFO: ExchangeBrokerHaInfo,
  GET_BROKER_HA_STATUS: GetBrokerHaStatus,
  RESET_MASTER_FLUSH_OFFSET: ResetMasterFlushOffset,
  NOTIFY_MIN_BROKER_ID_CHANGE: NotifyMinBrokerIdChange,
  ADD_BROKER: AddBroker,
  REMOVE_BROKER: RemoveBroker,
  GET_BROKER_EPOCH_CACHE: GetBrokerEpochCache,
  NOTIFY_BROKER_ROLE_CHANGED: NotifyBrokerRoleChanged,
} as const

/** What a name server is asked, by clients, admin tools and brokers. */
export const namesrvRequests = {
  GET_ROUTEINFO_BY_TOPIC: GetRouteinfoByTopic,
  REGISTER_BROKER: RegisterBroker,
  UNREGISTER_BROKER: UnregisterBroker,
  QUERY_DATA_VERSION: QueryDataVersion,
  BROKER_HEARTBEAT: BrokerHeartbeat,
  GET_BROKER_MEMBER_GROUP: GetBrokerMemberGroup,
  GET_BROKER_CLUSTER_INFO: GetBrokerClusterInfo,
  GET_ALL_TOPIC_LIST_FROM_NAMESERVER: GetAllTopicListFromNameserver,
  GET_TOPICS_BY_CLUSTER: GetTopicsByCluster,
  GET_SYSTEM_TOPIC_LIST_FROM_NS: GetSystemTopicListFromNs,
  DELETE_TOPIC_IN_NAMESRV: DeleteTopicInNamesrv,
  REGISTER_TOPIC_IN_NAMESRV: RegisterTopicInNamesrv,
  GET_UNIT_TOPIC_LIST: GetUnitTopicList,
  GET_HAS_UNIT_SUB_TOPIC_LIST: GetHasUnitSubTopicList,
  GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: GetHasUnitSubUnunitTopicList,
  WIPE_WRITE_PERM_OF_BROKER: WipeWritePermOfBroker,
  ADD_WRITE_PERM_OF_BROKER: AddWritePermOfBroker,
  PUT_KV_CONFIG: PutKvConfig,
  GET_KV_CONFIG: GetKvConfig,
  DELETE_KV_CONFIG: DeleteKvConfig,
  GET_KVLIST_BY_NAMESPACE: GetKvlistByNamespace,
  UPDATE_NAMESRV_CONFIG: UpdateNamesrvConfig,
  GET_NAMESRV_CONFIG: GetNamesrvConfig,
} as const

/** What a client is asked by a broker. */
export const clientRequests = {
  NOTIFY_CONSUMER_IDS_CHANGED: NotifyConsumerIdsChanged,
  CHECK_TRANSACTION_STATE: CheckTransactionState,
  PUSH_REPLY_MESSAGE_TO_CLIENT: PushReplyMessageToClient,
  RESET_CONSUMER_CLIENT_OFFSET: ResetConsumerClientOffset,
  GET_CONSUMER_STATUS_FROM_CLIENT: GetConsumerStatusFromClient,
  GET_CONSUMER_RUNNING_INFO: GetConsumerRunningInfo,
  CONSUME_MESSAGE_DIRECTLY: ConsumeMessageDirectly,
} as const
