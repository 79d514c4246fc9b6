import { nodeEnv, warnOnce, type Env } from '@skylarkmq/env'
import { ClientInstance } from '../client-instance.ts'
import type { ClientOptions } from '../options.ts'
import { Brokers } from './brokers.ts'
import { DelayedMessages } from './delayed-messages.ts'
import { DeadLetters } from './dead-letters.ts'
import { Groups } from './groups.ts'
import { Messages } from './messages.ts'
import { Topics } from './topics.ts'
import { Transactions } from './transactions.ts'
import { withSignal, type CallOptions } from '../waiting.ts'

/**
 * Looks after a cluster: topics, groups, messages, dead letters, delayed messages, transactions, brokers. `close` ends it. Apache: `MQAdminImpl.java`,
 * `DefaultMQAdminExtImpl.java`.
 */
export class AdminClient {
  readonly topics: Topics
  readonly groups: Groups
  readonly messages: Messages
  readonly deadLetters: DeadLetters
  readonly brokers: Brokers
  readonly delayed: DelayedMessages
  readonly transactions: Transactions
  readonly #client: ClientInstance
  readonly #ownsClient: boolean

  /** `client` is shared with others; without it, there is one of its own. Throws RMQ_OPTION. */
  constructor(
    options: ClientOptions = {},
    env: Env = nodeEnv(warnOnce()),
    client?: ClientInstance,
  ) {
    this.#ownsClient = client === undefined
    this.#client = client ?? new ClientInstance(env, options)
    this.topics = new Topics(this.#client)
    this.groups = new Groups(this.#client)
    this.messages = new Messages(this.#client)
    this.deadLetters = new DeadLetters(this.#client, this.messages)
    this.brokers = new Brokers(this.#client)
    this.delayed = new DelayedMessages(this.#client)
    this.transactions = new Transactions(this.#client)
  }

  /** Closes the connections if no one else uses them. */
  close(options: CallOptions = {}): Promise<void> {
    const closed = this.#ownsClient ? this.#client.close() : Promise.resolve()
    return withSignal(closed, options.signal)
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
