import { RocketMQ, RocketMQError } from '@skylarkmq/client'
import type { Consumer, ReceivedMessage } from '@skylarkmq/client'
import type { SimProcess } from '@skylarkmq/env/sim'
import type { History } from './history.ts'
import type { Program, Surroundings } from './machine.ts'
import { GROUPS, NAMESRV_ADDRS } from './topology.ts'

/** How consumers of a run behave. */
export interface ConsumerHabits {
  /** Share of the first calls of a handler that throw. */
  readonly failures: number
  /** How long a call takes at most, ms. */
  readonly handlerMs: number
}

/** Members of some groups, on one machine. */
export class ConsumerProgram implements Program {
  readonly consumers = new Map<string, Consumer>()
  readonly #mq: RocketMQ
  readonly #process: SimProcess
  readonly #around: Surroundings
  readonly #history: History
  readonly #habits: ConsumerHabits
  readonly #groups: readonly string[]

  constructor(
    around: Surroundings,
    process: SimProcess,
    history: History,
    habits: ConsumerHabits,
    groups: readonly string[],
  ) {
    this.#around = around
    this.#process = process
    this.#history = history
    this.#habits = habits
    this.#groups = groups
    this.#mq = new RocketMQ({ nameServers: NAMESRV_ADDRS }, process.env)
  }

  async start(): Promise<void> {
    for (const group of this.#groups) {
      const { topics, ordered } = GROUPS[group] as (typeof GROUPS)[string]
      const consumer = await this.#mq.consumer({
        group,
        subscriptions: Object.fromEntries(topics.map((topic) => [topic, '*'])),
        ordered,
        consumeFrom: 'first',
        concurrency: 4,
        suspendCurrentQueueMs: 200,
      })
      this.consumers.set(group, consumer)
      consumer
        .run((message) => this.#handle(group, consumer, message))
        .catch((error: unknown) => {
          if (this.#process.isAlive && !(error instanceof RocketMQError)) this.#around.fail(error)
        })
    }
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    await this.#mq.close({ timeout: 5000 })
  }

  async #handle(group: string, { clientId }: Consumer, message: ReceivedMessage): Promise<void> {
    const { random } = this.#around.world
    let delivery
    try {
      delivery = this.#history.begin(group, clientId, this.#process, message)
    } catch (error) {
      this.#around.fail(error)
      return
    }
    const ms = random.below(this.#habits.handlerMs)
    await new Promise<void>((resolve) => {
      this.#process.env.clock.after(ms, resolve)
    })
    const isFirst = message.reconsumeTimes === 0
    const fails = isFirst && !this.#around.isQuiet && random.chance(this.#habits.failures)
    this.#history.end(delivery, !fails)
    if (fails) throw new Error('the handler fails')
  }
}
