import { Lane } from '@skylarkmq/remoting'

/** How many requests of a kind may wait at once: the capacities of Apache's queues (`BrokerConfig.java`). */
const LIMITS = {
  send: 10_000,
  pull: 100_000,
  litePull: 100_000,
  ack: 100_000,
  query: 20_000,
  reply: 10_000,
  endTransaction: 100_000,
  admin: 10_000,
} as const

type LaneName = keyof typeof LIMITS

const LANE_OF_REQUEST: Readonly<Record<string, LaneName>> = {
  SEND_MESSAGE: 'send',
  SEND_MESSAGE_V2: 'send',
  SEND_BATCH_MESSAGE: 'send',
  CONSUMER_SEND_MSG_BACK: 'send',
  PULL_MESSAGE: 'pull',
  LITE_PULL_MESSAGE: 'litePull',
  ACK_MESSAGE: 'ack',
  QUERY_MESSAGE: 'query',
  VIEW_MESSAGE_BY_ID: 'query',
  SEND_REPLY_MESSAGE: 'reply',
  SEND_REPLY_MESSAGE_V2: 'reply',
  END_TRANSACTION: 'endTransaction',
}

/** The lanes of one broker. */
export class BrokerLanes {
  readonly #lanes: Readonly<Record<LaneName, Lane>>

  constructor() {
    const made = Object.entries(LIMITS).map(([name, limit]) => [name, new Lane(name, limit)])
    this.#lanes = Object.fromEntries(made) as Record<LaneName, Lane>
  }

  /** The lane of a request, by its name. */
  of(request: string): Lane {
    return this.#lanes[LANE_OF_REQUEST[request] ?? 'admin']
  }
}
