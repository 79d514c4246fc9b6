import type { Env } from '@skylarkmq/env'
import type { MessageStore, StoreConfig } from '@skylarkmq/store'
import type { BrokerRole } from './broker-role.ts'
import type { BroadcastOffsetTable } from './consumer/broadcast-offset-table.ts'
import type { ColdDataControl } from './consumer/cold-data-control.ts'
import type { ConsumerOffsetTable } from './consumer/consumer-offset-table.ts'
import type { ConsumerTable } from './consumer/consumer-table.ts'
import type { QueueLockTable } from './consumer/queue-lock-table.ts'
import type { ConsumerFilterTable } from './filter/consumer-filter-table.ts'
import type { FlowControl } from './flow/flow-control.ts'
import type { PullRequestHold } from './longpolling/pull-request-hold.ts'
import type { BrokerConfig } from './options.ts'
import type { ProducerTable } from './producer/producer-table.ts'
import type { TagSubscriptions } from './reading/tag-subscriptions.ts'
import type { TopicRoutes } from './registration/topic-routes.ts'
import type { NameServerRegistration } from './registration/register-broker.ts'
import type { ScheduledDelivery } from './schedule/scheduled-delivery.ts'
import type { SendStamp } from './send/send-stamp.ts'
import type { DayCounts } from './stats/day-counts.ts'
import type { BrokerLanes } from './flow/lanes.ts'
import type { BrokerStats } from './stats/broker-stats.ts'
import type { MessageRequestModeTable } from './subscription/message-request-mode-table.ts'
import type { SubscriptionGroupTable } from './subscription/subscription-group-table.ts'
import type { TopicConfigTable } from './topic/topic-config-table.ts'
import type { Transactions } from './transaction/transactions.ts'
import type { LiveConfig } from './live-config.ts'

/** The parts of a broker, as its processors see them. */
export interface BrokerContext {
  readonly env: Env
  /** Values of all options, the store's included. Live options change in it. */
  readonly config: BrokerConfig & StoreConfig
  /** The configuration as GET_BROKER_CONFIG and UPDATE_BROKER_CONFIG see it. */
  readonly liveConfig: LiveConfig
  /** Master or slave; may change. */
  readonly role: BrokerRole
  readonly store: MessageStore
  readonly topics: TopicConfigTable
  readonly groups: SubscriptionGroupTable
  readonly offsets: ConsumerOffsetTable
  readonly consumers: ConsumerTable
  readonly broadcasts: BroadcastOffsetTable
  readonly filters: ConsumerFilterTable
  readonly producers: ProducerTable
  readonly locks: QueueLockTable
  readonly coldData: ColdDataControl
  readonly held: PullRequestHold
  /** Subscriptions that pulls bring along. */
  readonly tagSubscriptions: TagSubscriptions
  readonly stats: BrokerStats
  readonly schedule: ScheduledDelivery
  readonly transactions: Transactions
  readonly registration: NameServerRegistration
  readonly requestModes: MessageRequestModeTable
  readonly topicRoutes: TopicRoutes
  /** What a send adds to its message and its answer. */
  readonly stamp: SendStamp
  /** `ip:port` that clients are told. */
  readonly address: string
  /** The address without its port. */
  readonly host: string
  /** Ms since 1970 at which the broker began. */
  readonly bootTimestamp: number
  readonly lanes: BrokerLanes
  /** Knows when the broker cannot keep up. */
  readonly flow: FlowControl
  readonly day: DayCounts
  /** Takes note of live options that changed, and registers again. */
  configChanged(keys: readonly string[]): void
}
