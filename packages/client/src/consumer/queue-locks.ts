import {
  lockBatchAnswerBody,
  LockBatchMq,
  lockBatchRequestBody,
  queueKey,
  SkylarkError,
  UnlockBatchMq,
  type MessageQueue,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { saysOf } from '../errors.ts'
import { queueNotLocked } from '../events.ts'
import { masterAddress } from '../route/topic-route.ts'

/** A lock that was not renewed for this long may be another client's; brokers wait twice as long. */
const VALID_MS = 30_000

/** The queues that brokers keep for this client, so that no other member of the group consumes them. Apache: `RebalanceImpl.java`, lock. */
export class QueueLocks {
  readonly #client: ClientInstance
  readonly #group: string
  /** When each was locked or renewed last, on the monotonic clock. */
  readonly #lockedMs = new Map<string, number>()

  constructor(client: ClientInstance, group: string) {
    this.#client = client
    this.#group = group
  }

  /** Whether a queue is locked for this client, for all it knows. */
  isHeld(queue: MessageQueue): boolean {
    const lockedMs = this.#lockedMs.get(queueKey(queue))
    return lockedMs !== undefined && this.#client.env.clock.monotonic() - lockedMs < VALID_MS
  }

  /** When a queue was locked or renewed last, on the monotonic clock; undefined when it is not. */
  lockedMs(queue: MessageQueue): number | undefined {
    return this.#lockedMs.get(queueKey(queue))
  }

  /** Locks queues, or renews their locks; returns those that are locked now. Never rejects. */
  async take(queues: readonly MessageQueue[]): Promise<MessageQueue[]> {
    const locked = await Promise.all(
      [...new Set(queues.map(({ brokerName }) => brokerName))].map((brokerName) =>
        this.#takeFrom(
          brokerName,
          queues.filter((queue) => queue.brokerName === brokerName),
        ),
      ),
    )
    return locked.flat()
  }

  /** Gives a lock up. Never rejects: at worst others wait until it runs out. */
  async give(queue: MessageQueue): Promise<void> {
    this.#lockedMs.delete(queueKey(queue))
    const body = this.#body([queue])
    try {
      const address = await this.#address(queue)
      if (address === undefined) return
      await this.#client.caller.call(address, UnlockBatchMq, {}, { body })
    } catch (error) {
      this.#report(queue.brokerName, error)
    }
  }

  async #takeFrom(brokerName: string, queues: readonly MessageQueue[]): Promise<MessageQueue[]> {
    const [first] = queues
    if (first === undefined) return []
    try {
      const address = await this.#address(first)
      if (address === undefined) return []
      const body = this.#body(queues)
      const begin = this.#client.env.clock.monotonic()
      const answer = await this.#client.caller.call(address, LockBatchMq, {}, { body })
      const { lockOKMQSet } = lockBatchAnswerBody.decode(answer.body)
      const locked = new Set(lockOKMQSet.map(queueKey))
      for (const queue of queues) {
        const key = queueKey(queue)
        if (locked.has(key)) this.#lockedMs.set(key, begin)
        else this.#lockedMs.delete(key)
      }
      return queues.filter((queue) => locked.has(queueKey(queue)))
    } catch (error) {
      this.#report(brokerName, error)
      return []
    }
  }

  #body(mqSet: readonly MessageQueue[]): Buffer {
    return lockBatchRequestBody.encode({
      consumerGroup: this.#group,
      clientId: this.#client.clientId,
      onlyThisBroker: false,
      mqSet,
    })
  }

  async #address({ topic, brokerName }: MessageQueue): Promise<string | undefined> {
    return masterAddress(await this.#client.routes.get(topic), brokerName)
  }

  #report(brokerName: string, error: unknown): void {
    if (!(error instanceof SkylarkError)) throw error
    this.#client.env.events.emit(queueNotLocked, { brokerName, reason: saysOf(error) })
  }
}
