import {
  compareQueues,
  queueKey,
  SkylarkError,
  type MessageQueue,
  type ResetOffsetTable,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { queuesAllocated, rebalanceFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import type { QueueOffsets, StartFrom } from '../offset/queue-offsets.ts'
import { saysOf } from '../errors.ts'
import type { Allocate } from '../rebalance/allocate-averagely.ts'
import { planRebalance } from '../rebalance/plan.ts'
import { ownQueues } from '../rebalance/rebalance.ts'
import type { FlowLimits } from './flow-control.ts'
import { ProcessQueue } from './process-queue.ts'
import type { Puller } from './pull.ts'
import { runPullLoop } from './pull-loop.ts'

/** A round that left something undone is followed by another after this long. */
const AGAIN_MS = 1_000

/** What sharing out queues and reading them needs of its consumer. */
export interface OwnedQueuesParts {
  readonly client: ClientInstance
  readonly group: string
  readonly offsets: QueueOffsets
  readonly puller: Puller
  readonly consumeFrom: StartFrom
  readonly allocate: Allocate
  readonly countMax: number
  readonly limits: FlowLimits
  /** Topics that the group wants. */
  topics(): readonly string[]
  subscription(topic: string): SubscriptionData | undefined
  /** The queues of a topic were shared out differently than before. */
  queuesChanged(topic: string): Promise<void>
  consume(queue: ProcessQueue, messages: readonly ReceivedMessage[]): void
}

/**
 * The queues that this client reads for its group: takes those that fall to it, gives up the others, and stores how
 * far each has come. Apache: `RebalanceImpl.java`.
 */
export class OwnedQueues {
  readonly #parts: OwnedQueuesParts
  readonly #owned = new Map<string, ProcessQueue>()
  #isRunning = false
  #isWanted = false
  #isStopped = false

  constructor(parts: OwnedQueuesParts) {
    this.#parts = parts
  }

  /** The queues, sorted. */
  get queues(): MessageQueue[] {
    return [...this.#owned.values()].map((each) => each.queue).sort(compareQueues)
  }

  /** Shares out the queues, now or right after the round that runs. */
  rebalance(): void {
    this.#isWanted = true
    if (!this.#isRunning) void this.#rounds()
  }

  /** Takes no more queues and pulls no more; what was pulled may still be done. */
  stop(): void {
    this.#isStopped = true
  }

  /** Gives all queues up. */
  dropAll(): void {
    for (const each of this.#owned.values()) each.drop()
    this.#owned.clear()
  }

  /** Stores how far each queue has come; `waits` until the brokers have it. */
  async persist(waits: boolean): Promise<void> {
    await Promise.all([...this.#owned.values()].map((each) => this.#commit(each, waits)))
  }

  /** An administrator moved the group: queues begin anew at the offsets given. */
  async reset(topic: string, { offsetTable }: ResetOffsetTable): Promise<void> {
    for (const [queue, offset] of offsetTable) {
      const owned = this.#owned.get(queueKey(queue))
      if (owned !== undefined && queue.topic === topic) await this.#startAgain(owned, offset)
    }
    this.rebalance()
  }

  async #rounds(): Promise<void> {
    this.#isRunning = true
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false
      const isComplete = await this.#round()
      if (!isComplete) this.#soonAgain()
    }
    this.#isRunning = false
  }

  #soonAgain(): void {
    this.#parts.client.env.clock.after(AGAIN_MS, () => {
      if (!this.#isStopped) this.rebalance()
    })
  }

  /** False when something is left to be done. */
  async #round(): Promise<boolean> {
    const topics = this.#parts.topics()
    await this.#dropWhere((queue) => !topics.includes(queue.topic))
    let isComplete = true
    for (const topic of topics) {
      try {
        await this.#shareOut(topic)
      } catch (error) {
        if (!(error instanceof SkylarkError)) throw error
        this.#parts.client.env.events.emit(rebalanceFailed, { topic, reason: saysOf(error) })
        isComplete = false
      }
    }
    return isComplete
  }

  async #shareOut(topic: string): Promise<void> {
    const { client, group, allocate } = this.#parts
    const wanted = await ownQueues(client, group, topic, allocate)
    if (wanted === undefined || this.#isStopped) return
    const held = this.queues.filter((each) => each.topic === topic)
    const plan = planRebalance(held, wanted)
    if (plan.drop.length === 0 && plan.add.length === 0) return
    const dropped = new Set(plan.drop.map(queueKey))
    await this.#dropWhere((queue) => dropped.has(queueKey(queue)))
    // The broker must know the subscription's new version before pulls name it.
    await this.#parts.queuesChanged(topic)
    await Promise.all(plan.add.map((queue) => this.#take(queue)))
    const counts = { topic, added: plan.add.length, dropped: plan.drop.length }
    client.env.events.emit(queuesAllocated, counts)
  }

  async #take(queue: MessageQueue): Promise<void> {
    const { offsets, group, consumeFrom, client, puller, limits, countMax } = this.#parts
    const offset = await offsets.next(group, queue, consumeFrom)
    if (offset < 0 || this.#isStopped) return
    const taken = new ProcessQueue(queue, offset)
    this.#owned.set(queueKey(queue), taken)
    const loop = {
      env: client.env,
      group,
      puller,
      limits,
      countMax,
      subscription: (topic: string) =>
        this.#isStopped ? undefined : this.#parts.subscription(topic),
      consume: (from: ProcessQueue, messages: readonly ReceivedMessage[]) => {
        if (!this.#isStopped) this.#parts.consume(from, messages)
      },
      offsetMoved: async (moved: ProcessQueue, nextOffset: number) => {
        await this.#startAgain(moved, nextOffset)
        this.rebalance()
      },
    }
    void runPullLoop(loop, taken)
  }

  /** Gives a queue up with another offset than it has come to. */
  async #startAgain(owned: ProcessQueue, offset: number): Promise<void> {
    owned.drop()
    owned.commitOffset = offset
    await this.#commit(owned, true)
    this.#owned.delete(queueKey(owned.queue))
  }

  async #dropWhere(isGone: (queue: MessageQueue) => boolean): Promise<void> {
    for (const [key, each] of this.#owned) {
      if (!isGone(each.queue)) continue
      each.drop()
      this.#owned.delete(key)
      await this.#commit(each, true)
    }
  }

  async #commit(owned: ProcessQueue, waits: boolean): Promise<void> {
    const { offsets, group, client } = this.#parts
    if (owned.commitOffset === undefined) return
    try {
      if (waits) await offsets.commitAndWait(group, owned.queue, owned.commitOffset)
      else await offsets.commit(group, owned.queue, owned.commitOffset)
    } catch (error) {
      // It is stored with the next round; at worst some messages come twice.
      if (!(error instanceof SkylarkError)) throw error
      const { topic } = owned.queue
      client.env.events.emit(rebalanceFailed, { topic, reason: saysOf(error) })
    }
  }
}
