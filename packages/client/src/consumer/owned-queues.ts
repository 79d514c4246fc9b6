import {
  compareQueues,
  queueKey,
  SkylarkError,
  type MessageQueue,
  type ResetOffsetTable,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import { inBackground, whatFailed } from '../background.ts'
import type { ClientInstance } from '../client-instance.ts'
import { backgroundFailed, queuesAllocated, rebalanceFailed } from '../events.ts'
import type { OffsetStore } from '../offset/offset-store.ts'
import type { StartFrom } from '../offset/queue-offsets.ts'
import { BrokerError, saysOf } from '../errors.ts'
import type { Allocate } from '../rebalance/allocate-averagely.ts'
import { planRebalance } from '../rebalance/plan.ts'
import { ownQueues, type Shares } from '../rebalance/rebalance.ts'
import { subscribeQueues } from '../route/topic-route.ts'
import { allOf } from '../waiting.ts'
import { patiently } from '../wire/patience.ts'
import type { Consuming } from './consuming.ts'
import type { FlowLimits } from './flow-control.ts'
import { Held, ProcessQueue } from './process-queue.ts'
import { isAt, type PausedPlaces, type QueuePlace } from './paused-places.ts'
import type { Puller } from './pull.ts'
import { runPullLoop } from './pull-loop.ts'
import type { PulledMessage } from './pulled-message.ts'
import type { QueueLocks } from './queue-locks.ts'
import { Sharing } from './sharing.ts'

/** A round that left something undone is followed by another after this long. */
const AGAIN_MS = 1_000
/** A listener that runs longer keeps its queue for another round. */
const RELEASE_MS = 500
/** By so much the clock of a broker may be behind ours. */
const SKEW_MS = 60_000
/** So long the last offsets wait for a broker that is away. */
const LAST_MS = 2_000

/** What sharing out queues and reading them needs of its consumer. */
export interface OwnedQueuesParts {
  readonly client: ClientInstance
  readonly group: string
  readonly offsets: OffsetStore
  readonly puller: Puller
  readonly consuming: Consuming
  /** Queues are locked before they are consumed; undefined when messages may overtake each other. */
  readonly locks: QueueLocks | undefined
  /** Every client reads all queues. */
  readonly isBroadcast: boolean
  readonly consumeFrom: StartFrom
  readonly allocate: Allocate
  readonly countMax: number
  readonly limits: FlowLimits
  /** Topics that the group wants. */
  topics(): readonly string[]
  subscription(topic: string): SubscriptionData | undefined
  /** The queues of a topic were shared out differently than before. */
  queuesChanged(topic: string): Promise<void>
  /** Nothing is pulled for now. */
  isSuspended(): boolean
  readonly paused: PausedPlaces
  /** See PullLoopParts. */
  pulled(topic: string, tookMs: number, count: number): void
}

/**
 * The queues that this client reads for its group: takes those that fall to it, gives up the others, and stores how
 * far each has come. Apache: `RebalanceImpl.java`.
 */
export class OwnedQueues {
  readonly #parts: OwnedQueuesParts
  readonly #owned = new Map<string, ProcessQueue>()
  /** Members of the group, by topic, when its queues were shared out last. */
  readonly #members = new Map<string, readonly string[]>()
  /** Topics that were not there when they were asked for first, and when that was, ms since 1970. */
  readonly #missingSince = new Map<string, number>()
  /** Topics of which this client has had queues. */
  readonly #shared = new Set<string>()
  readonly #held = new Held()
  /** Queues that are given up to be taken again, and cannot be yet. */
  readonly #leaving = new Set<string>()
  /** Offsets that queues are to be taken again at. */
  readonly #sought = new Map<string, { readonly queue: MessageQueue; readonly offset: number }>()
  /** What became of sharing out each topic. */
  readonly sharing = new Sharing()
  #isRunning = false
  #isWanted = false
  #isStopped = false
  #isTelling = false

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
    if (this.#isRunning) return
    inBackground(this.#parts.client.env.events, 'sharing out queues', this.#rounds())
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

  /** Stores how far each queue has come; who listens does not wait for brokers. */
  async persist(): Promise<void> {
    await Promise.all([...this.#owned.values()].map((each) => this.#commit(each, false)))
    this.#parts.offsets.flush()
  }

  /**
   * Stores how far each queue has come, for its next owner, and waits until the brokers have it: also for a broker that
   * is being restarted, but no longer than `timeoutMs`.
   */
  async persistLast(timeoutMs: number): Promise<void> {
    const { client, group, offsets } = this.#parts
    const { env } = client
    const left = new Set(this.#owned.values())
    const save = async (owned: ProcessQueue): Promise<void> => {
      const { queue, commitOffset } = owned
      if (commitOffset !== undefined) await offsets.save(queue, commitOffset, true)
      left.delete(owned)
    }
    const what = `the consumer of ${group}, to store its offsets,`
    const isOver = (): boolean => false
    const patience = { env, what, timeoutMs: Math.min(timeoutMs, LAST_MS), isOver }
    try {
      await patiently(patience, () => allOf([...left].map(save)))
    } catch (error) {
      // At worst some messages come twice.
      if (!(error instanceof SkylarkError)) throw error
      const topic = [...new Set([...left].map(({ queue }) => queue.topic))].join(', ')
      env.events.emit(rebalanceFailed, { topic, reason: saysOf(error) })
    }
    offsets.flush()
    offsets.close()
  }

  /** Renews the locks of all queues. */
  async renewLocks(): Promise<void> {
    if (this.#owned.size > 0) await this.#parts.locks?.take(this.queues)
  }

  /** Gives the locks of all queues up. */
  async giveLocks(): Promise<void> {
    const { locks } = this.#parts
    if (locks !== undefined) await Promise.all(this.queues.map((queue) => locks.give(queue)))
  }

  /** What is known of each queue. */
  get all(): readonly ProcessQueue[] {
    return [...this.#owned.values()]
  }

  /** An administrator moved the group: queues restart at the offsets given. */
  async reset(topic: string, { offsetTable }: ResetOffsetTable): Promise<void> {
    for (const [queue, offset] of offsetTable) {
      const owned = this.#owned.get(queueKey(queue))
      if (owned !== undefined && queue.topic === topic) await this.#startAgainOrSay(owned, offset)
    }
  }

  /**
   * Has a queue restart at an offset: what was pulled of it is dropped, and what listeners that run say moves no offset. Rejects
   * when the offset could not be stored; it may count all the same.
   */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    const key = queueKey(queue)
    const owned = this.#owned.get(key)
    if (owned !== undefined) await this.#startAgain(owned, offset)
    else if (this.#sought.has(key)) await this.#storeSought(queue, offset)
  }

  /** The queues of this member at a place, also those that are just taken again. */
  at(place: QueuePlace): MessageQueue[] {
    const own = [...this.#owned.values(), ...this.#sought.values()]
    return own.map(({ queue }) => queue).filter((queue) => isAt(queue, place))
  }

  /** Pauses queues, and continues with others, as is wanted now. */
  applyPauses(): void {
    for (const each of this.#owned.values()) this.#applyPause(each)
  }

  #applyPause(owned: ProcessQueue): void {
    const isPaused = this.#parts.paused.has(owned.queue)
    if (isPaused === owned.isPaused) return
    owned.setPaused(isPaused, this.#parts.client.env.clock.monotonic())
    if (!isPaused) this.#parts.consuming.resumed(owned)
  }

  async #rounds(): Promise<void> {
    this.#isRunning = true
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false
      let isComplete = false
      try {
        isComplete = await this.#round()
      } catch (error) {
        const { events } = this.#parts.client.env
        events.emit(backgroundFailed, { what: 'sharing out queues', reason: whatFailed(error) })
      }
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
    const isComplete = await this.#dropWhere((queue) => !topics.includes(queue.topic))
    const shared = await Promise.all(topics.map((topic) => this.#shareOutOrSay(topic)))
    return isComplete && shared.every((isShared) => isShared)
  }

  /** False when something is left to be done. */
  async #shareOutOrSay(topic: string): Promise<boolean> {
    try {
      return await this.#shareOut(topic)
    } catch (error) {
      this.sharing.failed(topic, this.#parts.client.env.clock.monotonic())
      if (!(error instanceof SkylarkError)) throw error
      // Whoever leaves the group is no member of it any more, and says nothing of that.
      if (this.#isStopped) return true
      if (error instanceof BrokerError) this.#tellBrokers()
      this.#parts.client.env.events.emit(rebalanceFailed, { topic, reason: saysOf(error) })
      return false
    }
  }

  /** False when something is left to be done. */
  async #shareOut(topic: string): Promise<boolean> {
    const { client, locks } = this.#parts
    const shares = await this.#shares(topic)
    if (shares === 'unsettled') return false
    this.sharing.shared(topic, shares !== 'unknown')
    if (shares === 'unknown' || this.#isStopped) return true
    this.#members.set(topic, shares.members ?? [])
    const held = this.queues.filter((each) => each.topic === topic)
    const plan = planRebalance(held, shares.own)
    this.#forgetSought(topic, shares.own)
    if (plan.drop.length === 0 && plan.add.length === 0) return true
    const dropped = new Set(plan.drop.map(queueKey))
    const isReleased = await this.#dropWhere((queue) => dropped.has(queueKey(queue)))
    // Another member may still consume from a queue that it has to give up.
    const free = plan.add.filter((queue) => !this.#leaving.has(queueKey(queue)))
    const add = locks === undefined ? free : await locks.take(free)
    if (plan.drop.length > 0 || add.length > 0) {
      // The broker must know the subscription's new version before pulls name it; of tags it knows the first one.
      const isByTag = this.#parts.subscription(topic)?.expressionType === 'TAG'
      if (this.#shared.has(topic) || !isByTag) await this.#parts.queuesChanged(topic)
      this.#shared.add(topic)
      // Also when one fails: the next round must not take one again that is on its way.
      await allOf(add.map((queue) => this.#take(queue)))
      const counts = { topic, added: add.length, dropped: plan.drop.length }
      client.env.events.emit(queuesAllocated, counts)
    }
    return isReleased && add.length === free.length
  }

  async #shares(topic: string): Promise<Shares | 'unknown' | 'unsettled'> {
    const { client, group, allocate, isBroadcast } = this.#parts
    const before = this.#members.get(topic) ?? []
    if (!isBroadcast) return ownQueues(client, group, topic, allocate, before)
    const route = await client.routes.find(topic)
    if (route !== undefined) return { own: subscribeQueues(topic, route) }
    if (!this.#missingSince.has(topic)) this.#missingSince.set(topic, client.env.clock.now())
    return 'unknown'
  }

  /** Tells brokers of this client again, once a second at most. */
  #tellBrokers(): void {
    if (this.#isTelling || this.#isStopped) return
    this.#isTelling = true
    const { client } = this.#parts
    inBackground(client.env.events, 'a heartbeat', client.heartbeat())
    client.env.clock.after(AGAIN_MS, () => {
      this.#isTelling = false
    })
  }

  async #take(queue: MessageQueue): Promise<void> {
    const { offsets, group, consumeFrom, client, puller, limits, countMax } = this.#parts
    const key = queueKey(queue)
    const sought = this.#sought.get(key)?.offset
    const offset = sought ?? (await offsets.next(queue, this.#beginOf(queue.topic) ?? consumeFrom))
    if (offset < 0 || this.#isStopped) return
    const taken = new ProcessQueue(queue, offset, this.#held)
    // What was on its way to the broker may have been stored behind it.
    taken.commitOffset = sought
    this.#sought.delete(key)
    this.#owned.set(key, taken)
    this.#applyPause(taken)
    const loop = {
      env: client.env,
      group,
      puller,
      limits,
      held: this.#held,
      countMax,
      commits: !this.#parts.isBroadcast,
      isSuspended: () => this.#parts.isSuspended(),
      unknownThere: () => {
        this.#tellBrokers()
      },
      pulled: (of: string, tookMs: number, count: number) => {
        this.#parts.pulled(of, tookMs, count)
      },
      pullFailed: (of: string) => {
        client.metrics.group(group).of(of).pullFailed()
      },
      subscription: (topic: string) =>
        this.#isStopped ? undefined : this.#parts.subscription(topic),
      consume: (from: ProcessQueue, messages: readonly PulledMessage[]) => {
        if (!this.#isStopped) this.#parts.consuming.submit(from, messages)
      },
      offsetMoved: (moved: ProcessQueue, nextOffset: number) => this.#movedBack(moved, nextOffset),
    }
    inBackground(client.env.events, `reading ${queueKey(queue)}`, runPullLoop(loop, taken))
  }

  /**
   * Where a member that was there before its topic begins, though it means to begin at the end: with what came since.
   * Of a group that shares its queues the broker says so. Undefined for a topic that was there.
   */
  #beginOf(topic: string): StartFrom | undefined {
    const { isBroadcast, consumeFrom } = this.#parts
    const since = this.#missingSince.get(topic)
    if (!isBroadcast || consumeFrom !== 'last' || since === undefined) return undefined
    return { timestampMs: since - SKEW_MS }
  }

  /** Gives a queue up with another offset than it has come to, and takes it again. Rejects when that could not be stored. */
  async #startAgain(owned: ProcessQueue, offset: number): Promise<void> {
    const key = queueKey(owned.queue)
    owned.drop()
    this.#leaving.add(key)
    this.#owned.delete(key)
    try {
      await this.#storeSought(owned.queue, offset)
    } finally {
      const { events } = this.#parts.client.env
      inBackground(events, `taking ${key} anew`, this.#takenAnew(owned))
    }
  }

  async #storeSought(queue: MessageQueue, offset: number): Promise<void> {
    const { offsets } = this.#parts
    this.#sought.set(queueKey(queue), { queue, offset })
    await offsets.save(queue, offset, true)
    offsets.flush()
  }

  /**
   * The broker lost the end of a queue, and others may have got the places since: of these only its own offset of the group
   * knows. Rejects when it does not say.
   */
  async #movedBack(owned: ProcessQueue, offset: number): Promise<void> {
    const committed = await this.#parts.offsets.next(owned.queue, 'last')
    await this.#startAgainOrSay(owned, committed < 0 ? offset : Math.min(offset, committed))
  }

  async #startAgainOrSay(owned: ProcessQueue, offset: number): Promise<void> {
    try {
      await this.#startAgain(owned, offset)
    } catch (error) {
      if (!(error instanceof SkylarkError)) throw error
      const { topic } = owned.queue
      this.#parts.client.env.events.emit(rebalanceFailed, { topic, reason: saysOf(error) })
    }
  }

  /** In order the call that runs must end first; who waits for it in there does not wait for this. */
  async #takenAnew(owned: ProcessQueue): Promise<void> {
    while (!(await this.#parts.consuming.release(owned, AGAIN_MS))) if (this.#isStopped) return
    this.#leaving.delete(queueKey(owned.queue))
    this.rebalance()
  }

  /** Who has the queue next reads the offset where it was stored. */
  #forgetSought(topic: string, own: readonly MessageQueue[]): void {
    if (this.#sought.size === 0) return
    const keys = new Set(own.map(queueKey))
    for (const key of this.#sought.keys()) {
      if (key.startsWith(`${topic}\u0000`) && !keys.has(key)) this.#sought.delete(key)
    }
  }

  /** False when a listener still runs for one of them, which stays until another round. */
  async #dropWhere(isGone: (queue: MessageQueue) => boolean): Promise<boolean> {
    const gone = [...this.#owned.values()].filter((each) => isGone(each.queue))
    const dropped = await Promise.all(gone.map((each) => this.#drop(each)))
    return dropped.every((isDropped) => isDropped)
  }

  async #drop(owned: ProcessQueue): Promise<boolean> {
    const { consuming, locks } = this.#parts
    if (!(await consuming.release(owned, RELEASE_MS))) return false
    owned.drop()
    this.#owned.delete(queueKey(owned.queue))
    await this.#commit(owned, true)
    await locks?.give(owned.queue)
    return true
  }

  async #commit(owned: ProcessQueue, waits: boolean): Promise<void> {
    const { offsets, client } = this.#parts
    if (owned.commitOffset === undefined) return
    try {
      await offsets.save(owned.queue, owned.commitOffset, waits)
    } catch (error) {
      // It is stored with the next round; at worst some messages come twice.
      if (!(error instanceof SkylarkError)) throw error
      const { topic } = owned.queue
      client.env.events.emit(rebalanceFailed, { topic, reason: saysOf(error) })
    }
  }
}
