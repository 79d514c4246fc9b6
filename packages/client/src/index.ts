export * from './admin/admin-client.ts'
export type { Brokers } from './admin/brokers.ts'
export type { Master } from './admin/brokers-known.ts'
export type { DeadLetters, Replayed, ReplayOptions } from './admin/dead-letters.ts'
export type {
  DelayedMessages,
  DelayedOnBroker,
  RecallHandleInfo,
} from './admin/delayed-messages.ts'
export type { GroupTrack, MessageLife, MessageTrack } from './admin/message-life.ts'
export type { DifferingMember, Subscription } from './admin/subscriptions.ts'
export type {
  OpenTransaction,
  OpenTransactionsOptions,
  Transactions,
} from './admin/transactions.ts'
export type { GroupLag, Groups, OffsetChange, QueueLag, ResetOptions } from './admin/groups.ts'
export type { BrowseOptions, Messages, QueryOptions } from './admin/messages.ts'
export type { QueueState, TopicOptions, Topics } from './admin/topics.ts'
export {
  AuthError,
  BatchError,
  BrokerError,
  ClosedError,
  ConnectError,
  ConnectionLostError,
  FlowControlError,
  MessageError,
  NameServerError,
  OptionError,
  ReplayError,
  RocketMQError,
  RouteNotFoundError,
  SendError,
  SerdeError,
  StatusError,
  TimeoutError,
  WrongPortError,
  type Advertised,
  type BrokerAnswer,
  type SendAttempt,
  type TimeoutPhase,
} from './errors.ts'
export * from './events.ts'
export type { SqlSelector } from './consumer/check-expressions.ts'
export type { ConsumeResult, MessageListener } from './consumer/consuming.ts'
export type { Batch, BatchOptions, Delivery } from './consumer/deliveries.ts'
export type { PushCloseOptions } from './consumer/closing.ts'
export * from './consumer/consumer.ts'
export * from './consumer/push-consumer.ts'
export type { ConcurrencyKey } from './consumer/keyed-line.ts'
export type { QueuePlace } from './consumer/paused-places.ts'
export type { RateLimitOptions } from './consumer/rate-limit.ts'
export type { PushConsumerOptions } from './consumer/push-consumer-options.ts'
export * from './consumer/topic-reader.ts'
export type {
  BrokerHealth,
  ClientHealth,
  ConsumerHealth,
  Health,
  HealthOptions,
  ProducerHealth,
  QueueHealth,
  ServerHealth,
} from './health/health.ts'
export { durationMs, type Duration } from './duration.ts'
export { eventsTo, type LogLine, type Logger } from './logger.ts'
export type { Message, MessageProperties, ReceivedMessage } from './message.ts'
export { readMessages } from './received-bodies.ts'
export type { StartFrom } from './offset/queue-offsets.ts'
export type { HistogramSnapshot } from './metrics/histogram.ts'
export { prometheusText } from './metrics/prometheus.ts'
export type { ConsumerMetrics, MetricsSnapshot, SendMetrics } from './metrics/snapshot.ts'
export { DEFAULT_NAMESRV_ADDR, type ClientOptions } from './options.ts'
export * from './producer/producer.ts'
export type { ProducerOptions } from './producer/producer-options.ts'
export type { BatchOutcome } from './producer/batch-outcome.ts'
export type { PreparedMessage } from './producer/prepared-message.ts'
export type { ReplyOptions, RequestOptions, SendOptions } from './producer/send-options.ts'
export type { SendResult, SendStatus } from './producer/send-result.ts'
export type { TransactionCheck, TransactionDecision } from './producer/transaction.ts'
export * from './producer/transaction-producer.ts'
export { queueByHash, type QueueSelector } from './producer/select-queue.ts'
export * from './rebalance/allocate-averagely.ts'
export * from './rebalance/allocate-by-circle.ts'
export * from './rebalance/allocate-by-config.ts'
export * from './rebalance/allocate-by-consistent-hash.ts'
export * from './rebalance/allocate-by-machine-room.ts'
export * from './rocketmq.ts'
export { json } from './serde/json.ts'
export { text, type Serde, type SerdeContext } from './serde/serde.ts'
export type {
  SchemaInput,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from './serde/standard-schema.ts'
export type { CallOptions, CloseOptions } from './waiting.ts'
export type {
  ConnectionTrace,
  ProcessTrace,
  ReceiveTrace,
  SendOperation,
  SendTrace,
} from './tracing.ts'
export type { TlsOptions } from '@skylarkmq/env'
export { Perm, ResponseCode, type MessageQueue } from '@skylarkmq/protocol'
