import type { Env } from '@skylarkmq/env'
import type { OutgoingRequest } from '@skylarkmq/remoting'
import type { MessageStore, StoreConfig } from '@skylarkmq/store'
import type { ConsumerOffsetTable } from '../consumer/consumer-offset-table.ts'
import type { BrokerConfig } from '../options.ts'
import type { MessageMeter } from '../stats/message-meter.ts'

/** What transactions need of the broker. */
export interface TransactionParts {
  readonly env: Env
  readonly store: MessageStore
  readonly offsets: ConsumerOffsetTable
  /** Read at each use. */
  readonly config: Pick<
    BrokerConfig & StoreConfig,
    | 'brokerName'
    | 'storeHost'
    | 'fileReservedTime'
    | 'transactionTimeOut'
    | 'transactionCheckMax'
    | 'transactionCheckInterval'
    | 'transactionOpMsgMaxSize'
  >
  /** Sends a one-way request to one producer of a group, in rotation; false when none is connected. */
  ask(group: string, request: OutgoingRequest): boolean
  /** Called when a message was put into a topic. */
  stored(topic: string, sizeBytes: number): void
  /** Counts what becomes of transactions. */
  readonly meter: Pick<MessageMeter, 'ended' | 'givenUp'>
  /** Creates the topic of discarded half messages, unless it exists. */
  ensureDiscardTopic(): void
}
