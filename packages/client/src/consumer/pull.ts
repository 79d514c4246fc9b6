import {
  PullMessage,
  PullSysFlag,
  ResponseCode,
  type MessageQueue,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { RouteNotFoundError } from '../errors.ts'
import { MASTER_ID, readAddress } from '../route/topic-route.ts'
import { pulledMessages, type PulledMessage } from './pulled-message.ts'

/** How long a broker may hold a pull that finds nothing. */
const SUSPEND_MS = 15_000
/** How long a held pull is waited for. */
const TIMEOUT_MS = 30_000
/** After how long a pull that says nothing tells of a connection that nothing comes by any more, ms. */
const PATIENCE_MS = SUSPEND_MS + 1_000
/** Bytes of messages that one pull asks for. */
const PULL_BYTES_MAX = 256 * 1024

/** A pull that is to be made. */
export interface PullPlan {
  readonly group: string
  readonly queue: MessageQueue
  readonly offset: number
  readonly countMax: number
  readonly subscription: SubscriptionData
  /** True when the broker does not know the subscription from a heartbeat. */
  readonly sendsSubscription: boolean
  /** Offset to store for the group on the way; undefined stores none. */
  readonly commitOffset: number | undefined
}

/** What a pull found. */
export interface Pulled {
  /** `moved`: the wanted offset is not in the queue, and `nextOffset` is where to continue. */
  readonly status: 'found' | 'nothing' | 'moved'
  readonly messages: readonly PulledMessage[]
  readonly nextOffset: number
  /** Offset behind the last message of the queue. */
  readonly endOffset: number
}

/** Pulls from queues, each from the member of its broker that was last suggested. Apache: `PullAPIWrapper.java`. */
export class Puller {
  readonly #client: ClientInstance
  readonly #suggested = new Map<string, number>()

  constructor(client: ClientInstance) {
    this.#client = client
  }

  /** Makes one pull, which the broker may hold. Rejects with the errors of `Caller.call`, or RMQ_TOPIC_NOT_FOUND. */
  async pull(plan: PullPlan): Promise<Pulled> {
    const { queue, subscription, group } = plan
    const { topic, brokerName, queueId } = queue
    const route = await this.#client.routes.get(topic)
    const target = readAddress(route, brokerName, this.#suggested.get(brokerName) ?? MASTER_ID)
    if (target === undefined) {
      throw new RouteNotFoundError({ topic, reason: `the broker ${brokerName} is not in it` })
    }
    const commits = (plan.commitOffset ?? 0) > 0 && target.brokerId === MASTER_ID
    const header = {
      consumerGroup: group,
      topic,
      queueId,
      queueOffset: plan.offset,
      maxMsgNums: plan.countMax,
      maxMsgBytes: PULL_BYTES_MAX,
      sysFlag:
        PullSysFlag.SUSPEND |
        (commits ? PullSysFlag.COMMIT_OFFSET : 0) |
        (plan.sendsSubscription ? PullSysFlag.SUBSCRIPTION : 0),
      commitOffset: commits ? (plan.commitOffset ?? 0) : 0,
      suspendTimeoutMillis: SUSPEND_MS,
      subVersion: subscription.subVersion,
      expressionType: subscription.expressionType,
      ...(plan.sendsSubscription ? { subscription: subscription.subString } : {}),
    }
    const { PULL_NOT_FOUND, PULL_RETRY_IMMEDIATELY, PULL_OFFSET_MOVED } = ResponseCode
    const answer = await this.#client.caller.call(target.address, PullMessage, header, {
      timeoutMs: TIMEOUT_MS,
      patienceMs: PATIENCE_MS,
      accept: [PULL_NOT_FOUND, PULL_RETRY_IMMEDIATELY, PULL_OFFSET_MOVED],
    })
    const { nextBeginOffset, suggestWhichBrokerId, maxOffset: endOffset } = answer.header()
    this.#suggested.set(brokerName, suggestWhichBrokerId)
    if (answer.code !== ResponseCode.SUCCESS) {
      const status = answer.code === PULL_OFFSET_MOVED ? 'moved' : 'nothing'
      return { status, messages: [], nextOffset: nextBeginOffset, endOffset }
    }
    const messages = pulledMessages(answer.body ?? Buffer.alloc(0), {
      brokerName,
      namespace: this.#client.namespace,
      offset: plan.offset,
      tags: subscription.tagsSet,
    })
    return { status: 'found', messages, nextOffset: nextBeginOffset, endOffset }
  }
}
