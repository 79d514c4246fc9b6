import type { MessageQueue } from '@skylarkmq/protocol'

/** Whether a message that was stored is also as safe as the broker was asked to make it. */
export type SendStatus =
  'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE'

/** What became of a message. */
export interface SendResult {
  /** Whether it is as safe as it was to be. */
  readonly status: SendStatus
  /** The id that this producer gave it; those of a batch, joined by commas. */
  readonly msgId: string
  /** The id that says where it lies; those of a batch, joined by commas. */
  readonly offsetMsgId: string
  /** The queue that it is in. */
  readonly messageQueue: MessageQueue
  /** Logical offset in the queue, in messages; of a batch the first. */
  readonly queueOffset: number
  /** Of a message of a transaction: its id there. */
  readonly transactionId: string | undefined
  /** With this a message that waits for a time of its own can be called back; undefined for any other. */
  readonly recallHandle: string | undefined
  /** Region of the broker, as its configuration has it. */
  readonly regionId: string
  /** Whether the broker wants its messages traced. */
  readonly traceOn: boolean
}
