import { RocketMQ, RocketMQError } from '@skylarkmq/client'
import type { AdminClient } from '@skylarkmq/client'
import type { SimProcess } from '@skylarkmq/env/sim'
import type { Program, Surroundings } from './machine.ts'
import { BROKERS, NAMESRV_ADDRS, QUEUES, TOPICS } from './topology.ts'

/** How often an operator looks whether all topics are there, ms. */
const LOOKS_EVERY_MS = 15_000

/** Who creates topics, looks whether they are there, and makes and deletes others. */
export class OperatorProgram implements Program {
  readonly figures = { made: 0, deleted: 0 }
  /** Whether all topics have been made. */
  isReady = false
  readonly #around: Surroundings
  readonly #process: SimProcess
  readonly #mq: RocketMQ
  #round = 0

  constructor(around: Surroundings, process: SimProcess) {
    this.#around = around
    this.#process = process
    this.#mq = new RocketMQ({ nameServers: NAMESRV_ADDRS }, process.env)
  }

  start(): Promise<void> {
    this.#again(500)
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    await this.#mq.close({ timeout: 3000 })
  }

  #again(ms: number): void {
    this.#process.env.clock.after(ms, () => {
      this.#look(this.#mq.admin()).then(
        () => {
          this.#again(this.isReady ? LOOKS_EVERY_MS : 500)
        },
        (error: unknown) => {
          if (!this.#process.isAlive) return
          this.#around.note(`operator: ${String(error)}`)
          if (error instanceof RocketMQError) this.#again(2000)
          else this.#around.fail(error)
        },
      )
    })
  }

  async #look({ topics }: AdminClient): Promise<void> {
    for (const topic of Object.keys(TOPICS)) {
      const route = await topics.route(topic)
      const queues = route?.queueDatas.length ?? 0
      if (queues >= Object.keys(BROKERS).length) continue
      await topics.create(topic, { queues: QUEUES })
    }
    const routes = await Promise.all(Object.keys(TOPICS).map((topic) => topics.route(topic)))
    const brokerCount = Object.keys(BROKERS).length
    this.isReady ||= routes.every((route) => route?.queueDatas.length === brokerCount)
    if (!this.isReady || this.#around.isQuiet) return
    const topic = `Passing${this.#round++ % 2}`
    await topics.create(topic, { queues: 1 })
    this.figures.made++
    const producer = await this.#mq.producer({ group: 'operator' })
    try {
      await producer.send({ topic, body: 'passing' })
    } finally {
      await producer.close({ timeout: 1000 })
    }
    await topics.delete(topic)
    this.figures.deleted++
  }
}
