export * from './errors.ts'
export * from './schema/define-error.ts'
export * from './schema/define-request.ts'
export type { Field, Fields, FieldType } from './schema/fields.ts'
export type { NameType } from './schema/name-fields.ts'
export * from './schema/layout.ts'
export * from './schema/option.ts'
export * from './schema/table-limit.ts'
export * from './frame/byte-sink.ts'
export * from './frame/decode-command.ts'
export * from './frame/frame-decoder.ts'
export * from './frame/frame-encoder.ts'
export * from './frame/remoting-command.ts'
export * from './json/parse-fastjson.ts'
export { stringifyFastjson, stringifyPretty, stringifyStandard } from './json/stringify-fastjson.ts'
export * from './codes/request-code.ts'
export * from './codes/response-code.ts'
export * from './codes/language-code.ts'
export * from './codes/version.ts'
export * from './codes/sys-flag.ts'
export * from './codes/perm.ts'
export * from './names/topic.ts'
export * from './names/group.ts'
export * from './names/safe-name.ts'
export * from './names/host-name.ts'
export * from './names/namespace.ts'
export * from './message/compression.ts'
export * from './message/crc32.ts'
export * from './message/host.ts'
export * from './message/java-hash.ts'
export * from './message/long.ts'
export * from './message/message-batch.ts'
export * from './message/message-id.ts'
export * from './message/message-record.ts'
export * from './message/properties.ts'
export * from './message/recall-handle.ts'
export { brokerRequests, clientRequests, namesrvRequests } from './requests/index.ts'
export * from './requests/auth.ts'
export * from './requests/broker-config.ts'
export * from './requests/client-connection.ts'
export * from './requests/client-offset.ts'
export * from './requests/cluster-info.ts'
export * from './requests/cold-data.ts'
export * from './requests/consume-stats.ts'
export * from './requests/consumer-group.ts'
export * from './requests/consumer-offset.ts'
export * from './requests/consumer-running-info.ts'
export * from './requests/consumer-send-msg-back.ts'
export * from './requests/heartbeat.ts'
export * from './requests/high-availability.ts'
export * from './requests/kv-config.ts'
export * from './requests/name-server-topics.ts'
export * from './requests/pop-message.ts'
export * from './requests/pull-message.ts'
export * from './requests/query-assignment.ts'
export * from './requests/query-message.ts'
export * from './requests/queue-offset.ts'
export * from './requests/recall-message.ts'
export * from './requests/register-broker.ts'
export * from './requests/reply-message.ts'
export * from './requests/route.ts'
export * from './requests/send-message.ts'
export * from './requests/send-message-json.ts'
export * from './requests/subscription-group.ts'
export * from './requests/topic-config.ts'
export * from './requests/topic-stats.ts'
export * from './requests/transaction.ts'
export * from './requests/write-perm.ts'
export * from './bodies/auth-info.ts'
export * from './bodies/batch-ack.ts'
export * from './bodies/client-connection.ts'
export * from './bodies/cluster-info.ts'
export * from './bodies/consume-queue-data.ts'
export * from './bodies/consumer-running-info.ts'
export { type DataVersion, dataVersionBody, isSameVersion } from './bodies/data-version.ts'
export * from './bodies/ha-runtime-info.ts'
export {
  type ConsumeType,
  type MessageModel,
  type ConsumeFromWhere,
  type ProducerData,
  type ConsumerData,
  type HeartbeatData,
  heartbeatDataBody,
} from './bodies/heartbeat-data.ts'
export * from './bodies/lists.ts'
export * from './bodies/lock-batch.ts'
export { type MessageQueue, queueKey, compareQueues } from './bodies/message-queue.ts'
export * from './bodies/offset-tables.ts'
export * from './bodies/properties-text.ts'
export * from './bodies/query-assignment.ts'
export * from './bodies/register-broker-body.ts'
export * from './bodies/stats.ts'
export {
  type SubscriptionData,
  type CheckClientRequest,
  type QuerySubscriptionAnswer,
  SUBSCRIBE_ALL,
  parseSubscription,
  checkClientRequestBody,
  querySubscriptionBody,
} from './bodies/subscription-data.ts'
export {
  type SubscriptionGroupConfig,
  type SubscriptionGroupList,
  type SubscriptionGroupWrapper,
  type GroupForbidden,
  subscriptionGroupConfig,
  subscriptionGroupConfigBody,
  subscriptionGroupListBody,
  subscriptionGroupWrapperBody,
  groupForbiddenBody,
} from './bodies/subscription-group-config.ts'
export * from './bodies/timer-tables.ts'
export {
  type TopicConfig,
  type TopicConfigSerializeWrapper,
  topicConfigBody,
  topicConfigSerializeWrapperBody,
  topicConfigListBody,
  formatTopicLine,
  parseTopicLine,
} from './bodies/topic-config.ts'
export {
  type QueueData,
  type BrokerData,
  type TopicRouteData,
  decodeTopicRouteData,
  encodeTopicRouteData,
} from './bodies/topic-route-data.ts'
export {
  type ConsumerFilters,
  type KvConfigTable,
  type SavedConsumerFilter,
  consumerFiltersBody,
  kvConfigTableBody,
  readTable,
} from './bodies/saved-tables.ts'
export type { JsonBody } from './bodies/shape.ts'
export type { HotCodec, HotCodecOf, HotReply, HotRequest } from './requests/hot-codec.ts'
export { createHotCodecs, type HotCodecs } from './requests/hot-codecs.ts'
export { SentMessage } from './requests/sent-message.ts'
export { peekCode } from './frame/header-scan.ts'
