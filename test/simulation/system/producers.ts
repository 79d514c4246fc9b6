import { RocketMQ, RocketMQError } from '@skylarkmq/client'
import type { Producer, ReceivedMessage, TransactionProducer } from '@skylarkmq/client'
import type { SimProcess } from '@skylarkmq/env/sim'
import type { History, Sent } from './history.ts'
import type { Program, Surroundings } from './machine.ts'
import { NAMESRV_ADDRS } from './topology.ts'

const KEYS = 3

/** Who sends messages of every kind, on one machine. */
export class ProducerProgram implements Program {
  /** Sends that failed since the faults were over. */
  lateFailures = 0
  /** When a send succeeded last, virtual ms. */
  lastAckMs = 0
  isSending = true
  readonly #mq: RocketMQ
  readonly #process: SimProcess
  readonly #around: Surroundings
  readonly #history: History
  readonly #name: string

  constructor(around: Surroundings, process: SimProcess, history: History, name: string) {
    this.#around = around
    this.#process = process
    this.#history = history
    this.#name = name
    this.#mq = new RocketMQ({ nameServers: NAMESRV_ADDRS }, process.env)
  }

  async start(): Promise<void> {
    const producer = await this.#mq.producer({ group: 'senders' })
    const transactions = await this.#mq.transactionProducer({
      group: 'payers',
      check: (message) => this.#check(message),
    })
    this.#loop(200, 1800, () => this.#plain(producer))
    for (let key = 0; key < KEYS; key++) {
      this.#loop(400, 3000, () => this.#ordered(producer, `${this.#name}-${key}`))
    }
    this.#loop(500, 4000, () => this.#transaction(transactions))
    this.#loop(500, 4000, () => this.#delayed(producer))
  }

  async stop(): Promise<void> {
    this.isSending = false
    await this.#mq.close({ timeout: 3000 })
  }

  /** Sends again and again, one after the other. */
  #loop(leastMs: number, mostMs: number, send: () => Promise<void>): void {
    const { world } = this.#around
    this.#process.env.clock.after(world.random.between(leastMs, mostMs), () => {
      if (!this.isSending) return
      send().then(
        () => {
          this.#loop(leastMs, mostMs, send)
        },
        (error: unknown) => {
          if (!this.#process.isAlive) return
          if (!(error instanceof RocketMQError)) {
            this.#around.fail(error)
            return
          }
          if (this.#around.isQuiet) this.lateFailures++
          world.trace?.add(`${this.#name} ${error.code}`, world.time)
          this.#loop(leastMs, mostMs, send)
        },
      )
    })
  }

  async #plain(producer: Producer): Promise<void> {
    const sent = this.#history.send('plain', 'Plain', this.#process)
    const result = await producer.send({ topic: 'Plain', body: sent.id, keys: sent.id })
    this.#acknowledged(sent, result)
  }

  async #ordered(producer: Producer, shardingKey: string): Promise<void> {
    const sent = this.#history.send('ordered', 'Orders', this.#process)
    const result = await producer.send({ topic: 'Orders', body: sent.id, shardingKey })
    this.#acknowledged(sent, result)
  }

  async #delayed(producer: Producer): Promise<void> {
    const { random } = this.#around.world
    const level = random.chance(0.4) ? random.between(1, 5) : undefined
    const dueMs = this.#process.env.clock.now() + random.between(1000, 15_000)
    const rest = level === undefined ? { dueMs } : { delayMs: [1, 2, 3, 5, 8][level - 1]! * 1000 }
    const sent = this.#history.send('delayed', 'Later', this.#process, rest)
    const result = await producer.send({
      topic: 'Later',
      body: sent.id,
      ...(level === undefined ? { deliverAt: dueMs } : { delayLevel: level }),
    })
    this.#acknowledged(sent, result)
    if (result.recallHandle === undefined || random.chance(0.7)) return
    // Who hears nothing of it does not know whether it was called back.
    sent.isRecalled = true
    await producer.recall('Later', result.recallHandle)
  }

  async #transaction(producer: TransactionProducer): Promise<void> {
    const { random } = this.#around.world
    const sent = this.#history.send('transaction', 'Payments', this.#process)
    try {
      const result = await producer.send({ topic: 'Payments', body: sent.id }, () => {
        const does = random.next()
        if (does < 0.15) return 'unknown'
        sent.decision ??= does < 0.7 ? 'commit' : 'rollback'
        return sent.decision
      })
      this.#acknowledged(sent, result)
    } finally {
      sent.isGivenUp = true
    }
  }

  /** What the books say. Who asks before the work was done is told later. */
  #check(message: ReceivedMessage): 'commit' | 'rollback' | 'unknown' {
    const sent = this.#history.messages.get(String(message.body))
    if (sent === undefined) return 'unknown'
    const mayDecide = !sent.owner.isAlive || sent.isGivenUp === true
    if (mayDecide) {
      sent.decision ??= this.#around.world.random.chance(0.5) ? 'commit' : 'rollback'
    }
    return sent.decision ?? 'unknown'
  }

  #acknowledged(sent: Sent, result: Parameters<History['acknowledge']>[1]): void {
    this.lastAckMs = this.#around.world.time
    this.#history.acknowledge(sent, result)
  }
}
