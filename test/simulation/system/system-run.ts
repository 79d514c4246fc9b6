import assert from 'node:assert/strict'
import { SimNet, TraceHash, World } from '@skylarkmq/env/sim'
import type { Sent } from './history.ts'
import { History } from './history.ts'
import {
  checkAcknowledgedIsDelivered,
  checkOnlyOnce,
} from './checkers/acknowledged-is-delivered.ts'
import { checkNotEarly } from './checkers/delayed-are-not-early.ts'
import { OffsetsFollow } from './checkers/offsets-follow.ts'
import { checkOrderIsKept, OneAtATime } from './checkers/order-is-kept.ts'
import { checkQueuesHaveOneOwner } from './checkers/queues-have-one-owner.ts'
import {
  checkCommitted,
  checkCommittedOnce,
  checkNoHalfIsLeft,
} from './checkers/transactions-are-decided.ts'
import { whereAllLie } from './checkers/where-it-lies.ts'
import { BrokerMachine } from './broker-machine.ts'
import { ConsumerProgram } from './consumers.ts'
import { Faults, type FaultCounts, type Victim } from './faults.ts'
import { Machine, type Program, type Surroundings } from './machine.ts'
import { OperatorProgram } from './operator.ts'
import { ProducerProgram } from './producers.ts'
import { nameServerOn } from './programs.ts'
import { BROKERS, CONSUMERS, GROUPS, NAME_SERVERS, OPERATOR, PRODUCERS } from './topology.ts'

/** How long faults go on, virtual ms. */
export const FAULTY_MS = 300_000
/** Within this time from the start all topics are there. */
const READY_WITHIN_MS = 15_000
/** As FAULTY_MS, for a short run. */
export const SHORT_MS = 20_000
/** Producers send on for so long when the faults are over. */
const LATE_MS = 20_000
/** Nobody sends for as long as this, once all works again. */
const SILENT_MS = 15_000
/** Within this time after that everything has come. */
const SETTLES_MS = 65_000
/**
 * A member that lost its power is one of its group for so long (`channelExpiredTimeout`, then the next look and the next
 * rebalance), for one broker at times and no longer for the other: members that ask both take queues in turns.
 */
const MEMBER_STAYS_MS = 155_000
const SAMPLE_MS = 5000

/** What a run did. */
export interface SystemFigures extends FaultCounts {
  readonly acknowledged: number
  readonly delivered: number
  readonly again: number
  readonly failedHandlers: number
  readonly lost: number
  readonly reused: number
  readonly retired: number
  readonly discarded: number
  readonly compared: number
  readonly offsetSamples: number
  readonly ownersChecked: number
  readonly syncsFailed: number
  readonly writesFailed: number
  readonly pagesDropped: number
  readonly topicsMade: number
  readonly connections: number
  readonly virtualSeconds: number
  readonly steps: number
}

/** Name servers, brokers and clients in virtual time, from one seed. */
export class SystemRun implements Surroundings {
  readonly world: World
  readonly net: SimNet
  readonly log: string[] = []
  readonly history: History
  readonly faults: Faults
  isQuiet = false
  /** Nothing breaks, and nobody comes or goes. */
  readonly isCalm: boolean
  readonly brokers: readonly BrokerMachine[]
  readonly nameServers: readonly Machine<Program>[]
  readonly producers: readonly Machine<ProducerProgram>[]
  readonly consumers: readonly Machine<ConsumerProgram>[]
  readonly operator: Machine<OperatorProgram>
  readonly offsets: OffsetsFollow
  readonly #oneAtATime = new OneAtATime()
  readonly #faultyMs: number
  #failure: unknown

  constructor(seed: number, faultyMs = FAULTY_MS) {
    this.world = new World(seed)
    this.world.trace = new TraceHash()
    this.net = new SimNet(this.world)
    this.#faultyMs = faultyMs
    const { random } = this.world
    this.isCalm = random.chance(0.1)
    this.history = new History(this.world)
    this.offsets = new OffsetsFollow(this.history)
    const parts = { around: this, history: this.history, offsets: this.offsets }
    this.brokers = Object.entries(BROKERS).map(([name, at]) => new BrokerMachine(parts, name, at))
    this.nameServers = NAME_SERVERS.map(
      (address, i) =>
        new Machine<Program>(this, { name: `namesrv-${i}`, address, make: nameServerOn }),
    )
    this.producers = PRODUCERS.map((address, i) => this.#producer(`producer-${i}`, address))
    this.consumers = CONSUMERS.map((address, i) => this.#consumer(`consumer-${i}`, address))
    this.operator = new Machine<OperatorProgram>(this, {
      name: 'operator',
      address: OPERATOR,
      make: (process) => new OperatorProgram(this, process),
    })
    this.faults = new Faults(this, this.#victims())
    this.#listen()
  }

  /** Hash over all that happened. */
  get hash(): string {
    return this.world.trace?.hex ?? ''
  }

  #producer(name: string, address: string): Machine<ProducerProgram> {
    return new Machine<ProducerProgram>(this, {
      name,
      address,
      make: (process) => new ProducerProgram(this, process, this.history, name),
    })
  }

  #consumer(name: string, address: string): Machine<ConsumerProgram> {
    const { random } = this.world
    const habits = {
      failures: random.pick([0, 0.02, 0.1]),
      handlerMs: random.pick([2, 50, 400]),
    }
    return new Machine<ConsumerProgram>(this, {
      name,
      address,
      make: (process) =>
        new ConsumerProgram(this, process, this.history, habits, Object.keys(GROUPS)),
    })
  }

  #victims(): Victim[] {
    const mayLeap = this.world.random.chance(0.3)
    const plain = { mayLosePower: true, hasDisk: false, mayLeap: false }
    return [
      ...this.brokers.map((machine) => ({
        machine,
        mayLosePower: machine.mayLosePower,
        hasDisk: true,
        mayLeap,
      })),
      ...[...this.nameServers, ...this.producers, ...this.consumers, this.operator].map(
        (machine) => ({ ...plain, machine }),
      ),
    ]
  }

  #listen(): void {
    this.history.onBegun((sent, delivery, message) => {
      const broker = this.brokers.find(({ name }) => delivery.queue.startsWith(`${name} `))
      assert.ok(broker !== undefined)
      checkCommitted(sent, delivery)
      checkNotEarly(sent, delivery, message, broker.forwardMs)
      if (GROUPS[delivery.group]?.ordered === true) {
        this.#oneAtATime.begun(delivery, broker.startedMs)
      }
    })
  }

  note(what: string): void {
    this.log.push(`${this.world.time.toFixed(1)} ${what}`)
  }

  fail(error: unknown): void {
    this.#failure ??= error
    this.world.stop()
  }

  /** Lets time pass up to `ms`. Rejects with what went wrong meanwhile. */
  async until(ms: number): Promise<void> {
    await this.world.run(ms)
    if (this.#failure !== undefined) throw this.#failure as Error
  }

  /** Starts everything, and waits until all topics are there. */
  async begin(): Promise<void> {
    for (const each of this.nameServers) each.start()
    for (const each of this.brokers) each.start()
    this.operator.start()
    await this.until(READY_WITHIN_MS / 3)
    for (const each of this.consumers) each.start()
    await this.until(READY_WITHIN_MS)
    assert.ok(this.operator.program?.isReady, 'all topics are there')
    for (const each of this.producers) each.start()
    this.world.every(SAMPLE_MS, () => {
      this.#sample()
    })
  }

  #sample(): void {
    try {
      for (const broker of this.brokers) broker.sample(this.isCalm)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Runs it all. Rejects with the first thing that is not as it should be. */
  async run(): Promise<SystemFigures> {
    this.note(this.isCalm ? 'a calm run' : 'a run with faults')
    await this.begin()
    const faultsEndMs = READY_WITHIN_MS + this.#faultyMs
    if (!this.isCalm) this.faults.start()
    await this.until(faultsEndMs)
    this.#calmDown()
    await this.until(faultsEndMs + LATE_MS)
    this.#checkLive()
    for (const { program } of this.producers) if (program !== undefined) program.isSending = false
    const goneMs = Math.max(...this.consumers.map(({ lastPowerCutMs }) => lastPowerCutMs))
    await this.until(Math.max(faultsEndMs + LATE_MS + SETTLES_MS, goneMs + MEMBER_STAYS_MS))
    return this.#finish()
  }

  #all(): Machine<Program>[] {
    return [
      ...this.nameServers,
      ...this.brokers,
      ...this.producers,
      ...this.consumers,
      this.operator,
    ] as Machine<Program>[]
  }

  #calmDown(): void {
    this.note('all is quiet')
    this.isQuiet = true
    this.net.healAll()
    for (const machine of this.#all()) {
      machine.heal()
      if (machine.node.clockOffsetMs !== 0) machine.jump(-machine.node.clockOffsetMs)
    }
  }

  #checkLive(): void {
    for (const machine of this.#all()) assert.ok(machine.isUp, `${machine.name} is up`)
    for (const { name, program } of this.producers) {
      const silentMs = this.world.time - (program?.lastAckMs ?? 0)
      assert.ok(silentMs < SILENT_MS, `${name} had its last message stored ${silentMs} ms ago`)
    }
  }

  readonly #isRetired = (sent: Sent): boolean => {
    const { place } = sent
    if (place === undefined) return false
    const broker = this.brokers.find(({ name }) => name === place.broker)
    const [, topic = '', queueId] = place.queue.split(' ')
    const store = broker?.context.store
    if (store === undefined) return false
    return (
      place.offset < store.offsetMin(topic, Number(queueId)) ||
      place.physicalOffset < Math.max(store.commitLogOffsetMin, broker?.retiredBefore ?? 0)
    )
  }

  #finish(): SystemFigures {
    const { history } = this
    const excused = checkAcknowledgedIsDelivered(
      history,
      this.#isRetired,
      whereAllLie(this.brokers),
    )
    if (this.isCalm) checkOnlyOnce(history)
    const compared = checkOrderIsKept(history, 'orderly', this.#isRetired)
    const isForgiven = (name: string): boolean =>
      this.brokers.some((each) => each.name === name && each.mayForget)
    checkCommittedOnce(history, isForgiven)
    for (const { name, context } of this.brokers) checkNoHalfIsLeft(name, context)
    const programs = this.consumers.flatMap(({ program }) => program ?? [])
    const ownersChecked = checkQueuesHaveOneOwner(programs)
    const disks = this.brokers.map(({ node }) => node.disk.struck)
    const sum = (f: (struck: (typeof disks)[number]) => number): number =>
      disks.reduce((total, each) => total + f(each), 0)
    return {
      acknowledged: history.counts.acknowledged,
      delivered: history.counts.delivered,
      again: history.counts.again,
      failedHandlers: history.counts.failed,
      ...excused,
      compared,
      offsetSamples: this.offsets.samples,
      ownersChecked,
      ...this.faults.counts,
      syncsFailed: sum(({ syncs }) => syncs),
      writesFailed: sum(({ writes, full }) => writes + full),
      pagesDropped: sum(({ drops }) => drops),
      topicsMade: this.operator.program?.figures.made ?? 0,
      connections: this.net.carried.connections,
      virtualSeconds: Math.round(this.world.time / 1000),
      steps: this.world.steps,
    }
  }
}
