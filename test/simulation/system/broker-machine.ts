import assert from 'node:assert/strict'
import type { BrokerContext, FullBrokerConfig } from '@skylarkmq/broker'
import { OffsetsFollow } from './checkers/offsets-follow.ts'
import { queueOf, type History } from './history.ts'
import { Machine, type Surroundings } from './machine.ts'
import { BrokerProgram, brokerConfig } from './programs.ts'
import { everyQueue } from './topology.ts'

/** What a broker's machine needs of its simulation. */
export interface BrokerMachineParts {
  readonly around: Surroundings
  readonly history: History
  readonly offsets: OffsetsFollow
}

/** A machine with a broker, and what the simulation keeps of it while it is down. */
export class BrokerMachine extends Machine<BrokerProgram> {
  readonly config: FullBrokerConfig
  /** Whether it is ever cut off from power: where nobody waits for the disk, what was acknowledged may be lost then. */
  readonly mayLosePower: boolean
  /** It may have forgotten what it had acknowledged. */
  mayForget = false
  /**
   * Before this offset of its log retention took everything. After a power cut a file may be there again, but what waited for its
   * time in it was given up.
   */
  retiredBefore = 0
  readonly #parts: BrokerMachineParts
  /** Where queues ended, as far as anyone may know. */
  readonly #ends = new Map<string, number>()
  #diedMs: number | undefined
  #wasKilled = false

  constructor(parts: BrokerMachineParts, name: string, address: string) {
    const config = brokerConfig(name, address, parts.around.world.random)
    super(parts.around, {
      name,
      address,
      make: (process) => new BrokerProgram(process, config),
      leaving: (program, how) => {
        this.#leaving(program, how)
      },
      heard: (event, values) => {
        if (event === 'broker.transaction.givenup') {
          parts.history.discard(String(values['uniqKey']))
        }
        this.#heard(event)
      },
    })
    this.config = config
    this.#parts = parts
    this.mayLosePower = parts.around.world.random.chance(this.isSync ? 1 : 0.6)
  }

  get isSync(): boolean {
    return this.config.flushDiskType === 'SYNC_FLUSH'
  }

  /** The parts of the broker that runs, or ran last. */
  get context(): BrokerContext {
    const context = this.program?.broker.context
    assert.ok(context !== undefined, `${this.name} was started`)
    return context
  }

  /** Looks how far groups and retention have come. */
  sample(isCalm: boolean): void {
    const context = this.program?.broker.context
    if (!this.isUp || context === undefined) return
    this.#noteEnds(context)
    this.retiredBefore = Math.max(this.retiredBefore, context.store.commitLogOffsetMin)
    this.#parts.offsets.sample(this.#parts.around.world.time, this.name, context, isCalm)
  }

  #noteEnds({ store }: BrokerContext): void {
    for (const { topic, queueId } of everyQueue()) {
      const queue = queueOf(this.name, topic, queueId)
      const end = store.offsetMax(topic, queueId)
      this.#ends.set(queue, Math.max(end, this.#ends.get(queue) ?? 0))
    }
  }

  #leaving({ broker }: BrokerProgram, how: 'kill' | 'power' | undefined): void {
    const { context } = broker
    this.#diedMs = this.#parts.around.world.time
    this.#wasKilled = how !== undefined
    if (context === undefined) return
    this.#noteEnds(context)
    if (how === 'power' && !this.isSync) this.#forget(context.store.flushedOffset)
  }

  /** What is not on disk is gone, and was acknowledged all the same. */
  #forget(flushedOffset: number): void {
    this.mayForget = true
    this.#parts.history.forgive(
      this.name,
      (sent) =>
        (sent.place?.physicalOffset ?? 0) >= flushedOffset ||
        sent.kind === 'transaction' ||
        sent.kind === 'delayed' ||
        sent.deliveries.some(({ isDone }) => !isDone),
    )
  }

  #heard(event: string): void {
    if (event === 'broker.started') this.#opened()
    const context = this.program?.broker.context
    if (event === 'store.commitlog.torn' && this.isUp && context !== undefined) {
      this.#noteEnds(context)
      this.#parts.around.world.after(0, () => {
        this.#cutTo(context)
      })
    }
  }

  #cutTo({ store }: BrokerContext): void {
    for (const { topic, queueId } of everyQueue()) {
      const queue = queueOf(this.name, topic, queueId)
      const end = store.offsetMax(topic, queueId)
      this.#parts.history.wasCut(queue, end, this.#ends.get(queue) ?? 0)
    }
  }

  #opened(): void {
    try {
      const { context } = this
      this.#cutTo(context)
      const died = this.#diedMs
      const isKept = died !== undefined && this.spoiledMs < died - 60_000 && !this.mayForget
      const bound = isKept && this.#wasKilled ? OffsetsFollow.boundOf(died) : undefined
      this.#parts.offsets.opened(this.name, context, bound)
    } catch (error) {
      this.#parts.around.fail(error)
    }
  }
}
