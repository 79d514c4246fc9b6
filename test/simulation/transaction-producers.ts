import assert from 'node:assert/strict'
import type { World } from '@skylarkmq/env/sim'
import {
  CheckTransactionState,
  decodeHeader,
  decodeProperties,
  decodeRecord,
  MessageSysFlag,
  Property,
} from '@skylarkmq/protocol'
import type { EndTransaction, HeaderOf } from '@skylarkmq/protocol'
import type { OutgoingRequest } from '@skylarkmq/remoting'

/** The header of an END_TRANSACTION. */
export type EndHeader = HeaderOf<typeof EndTransaction>

/** The one group that all producers are in. */
export const GROUP = 'PG'

/** A transaction, as the producers' database knows it; that survives everything. */
export interface Transaction {
  readonly id: string
  readonly topic: string
  readonly queueId: number
  readonly immunitySeconds: number | undefined
  readonly isDelayed: boolean
  /** Which life of which producer began it: nobody else can decide while that life lasts. */
  readonly life: number
  /** Virtual ms at which its sender was told that the half message is stored; undefined when it was not. */
  acknowledgedAt: number | undefined
  decision: 'commit' | 'rollback' | undefined
}

/** How producers reach the broker. What is on the way may be lost, or come twice, or late. */
export interface BrokerLink {
  /** Stores a half message; calls back once its sender is told of it. */
  send(transaction: Transaction, bornTimestamp: number, stored: (header: Where) => void): void
  /** Takes an END_TRANSACTION. */
  end(header: EndHeader): void
}

/** Where a half message lies. */
export interface Where {
  readonly queueOffset: number
  readonly physicalOffset: number
}

/** Some producers of one group, which die and come again, and one database in which they decide. */
export class Producers {
  readonly #world: World
  readonly #link: BrokerLink
  readonly transactions = new Map<string, Transaction>()
  /** The life of each producer; undefined while it is dead. */
  readonly #lives: (number | undefined)[]
  #lifeCount = 0
  /** No more faults of the network and no more deaths. */
  isQuiet = false
  readonly figures = { deaths: 0, checks: 0, ends: 0, endsAgain: 0, endsLost: 0 }

  constructor(world: World, link: BrokerLink, count: number) {
    this.#world = world
    this.#link = link
    this.#lives = Array.from({ length: count }, () => this.#lifeCount++)
  }

  /** One of them sends a half message, if it lives. */
  begin(topics: readonly string[], queues: number): void {
    const { random } = this.#world
    const life = random.pick(this.#lives)
    if (life === undefined) return
    const transaction: Transaction = {
      id: `TX${this.transactions.size}`,
      topic: random.pick(topics),
      queueId: random.below(queues),
      immunitySeconds: random.chance(0.1) ? random.between(1, 40) : undefined,
      isDelayed: random.chance(0.1),
      life,
      acknowledgedAt: undefined,
      decision: undefined,
    }
    this.transactions.set(transaction.id, transaction)
    const bornTimestamp = 1_700_000_000_000 + Math.floor(this.#world.time)
    this.#travel(() => {
      this.#link.send(transaction, bornTimestamp, (where) => {
        transaction.acknowledgedAt = this.#world.time
        this.#travel(() => {
          this.#execute(transaction, where)
        })
      })
    })
  }

  /** The local transaction: it takes its time, may not know its end, and ends with its producer. */
  #execute(transaction: Transaction, where: Where): void {
    const { random } = this.#world
    const takesMs = random.pick([0, 20, 500, 9000])
    this.#world.after(takesMs, () => {
      if (!this.#lives.includes(transaction.life) || transaction.decision !== undefined) return
      transaction.decision = random.chance(0.6) ? 'commit' : 'rollback'
      // Some producers fall silent between the decision and the word of it.
      if (random.chance(0.3)) return
      this.#say(transaction, where, false)
    })
  }

  #say(transaction: Transaction, where: Where, isAsked: boolean): void {
    const { random } = this.#world
    const { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = MessageSysFlag
    const header = {
      producerGroup: GROUP,
      tranStateTableOffset: where.queueOffset,
      commitLogOffset: where.physicalOffset,
      commitOrRollback:
        transaction.decision === 'commit' ? TRANSACTION_COMMIT : TRANSACTION_ROLLBACK,
      fromTransactionCheck: isAsked,
      msgId: transaction.id,
      transactionId: transaction.id,
    }
    this.figures.ends++
    this.#travel(() => {
      this.#link.end(header)
    })
    while (random.chance(0.3)) {
      this.figures.endsAgain++
      this.#world.after(random.pick([1, 100, 10_000, 60_000]), () => {
        this.#link.end(header)
      })
    }
  }

  /** The broker asks one of them; false when none lives. */
  ask(group: string, request: OutgoingRequest): boolean {
    assert.equal(group, GROUP)
    const lives = this.#lives.filter((life) => life !== undefined)
    if (lives.length === 0) return false
    const life = this.#world.random.pick(lives)
    const header = decodeHeader(CheckTransactionState, request.fields ?? {})
    const body = Buffer.concat([request.body ?? []].flat())
    this.#travel(() => {
      if (this.#lives.includes(life)) this.#answer(header, body)
    })
    return true
  }

  #answer(header: HeaderOf<typeof CheckTransactionState>, body: Buffer): void {
    this.figures.checks++
    const half = decodeRecord(body)
    const id = decodeProperties(half.properties).get(Property.UNIQ_KEY) ?? ''
    assert.equal(id, header.transactionId)
    const transaction = this.transactions.get(id)
    assert.ok(transaction !== undefined, 'nobody is asked what nobody began')
    assert.equal(half.topic, transaction.topic)
    if (transaction.decision === undefined) {
      const isRunning =
        transaction.acknowledgedAt !== undefined && this.#lives.includes(transaction.life)
      if (isRunning && this.#world.time - transaction.acknowledgedAt! < 20_000) return
      // Nobody runs it any more, so nothing of it was done.
      transaction.decision = 'rollback'
    }
    const where = {
      queueOffset: header.tranStateTableOffset,
      physicalOffset: header.commitLogOffset,
    }
    this.#say(transaction, where, true)
  }

  /** A producer dies, and another one takes its place some time later. */
  kill(): void {
    const { random } = this.#world
    const which = random.below(this.#lives.length)
    if (this.#lives[which] === undefined) return
    this.figures.deaths++
    this.#lives[which] = undefined
    this.#world.after(random.between(100, 8000), () => {
      this.#lives[which] = this.#lifeCount++
    })
  }

  /** What is on its way comes a little later, or is lost. */
  #travel(arrives: () => void): void {
    const { random } = this.#world
    if (!this.isQuiet && random.chance(0.1)) {
      this.figures.endsLost++
      return
    }
    this.#world.after(random.pick([0.1, 1, 30, 700]), arrives)
  }
}
