import assert from 'node:assert/strict'
import { RocketMQ, RocketMQError } from '@skylarkmq/client'
import type { Consumer, Producer } from '@skylarkmq/client'
import type { EventValues } from '@skylarkmq/env'
import { SimNet, SimRandom, World } from '@skylarkmq/env/sim'
import type { SimProcess } from '@skylarkmq/env/sim'
import { Machine, type Program, type Surroundings } from './machine.ts'
import { BrokerProgram, brokerConfig, nameServerOn } from './programs.ts'
import { BROKERS, NAME_SERVERS, NAMESRV_ADDRS, OPERATOR } from './topology.ts'

/** How long a step may take that has to come to an end, virtual ms. */
const STEP_MS = 60_000

/** What a member of a group is told in a script. */
interface MemberOptions {
  readonly group: string
  readonly topic: string
  readonly ordered: boolean
  readonly handlerMs: number
}

/** A member of one group, which says what it gets. */
class Member implements Program {
  readonly mq: RocketMQ
  consumer: Consumer | undefined
  readonly #process: SimProcess
  readonly #options: MemberOptions
  readonly #says: (what: string) => void

  constructor(
    process: SimProcess,
    name: string,
    options: MemberOptions,
    says: (what: string) => void,
  ) {
    this.#process = process
    this.#options = options
    this.#says = says
    this.mq = new RocketMQ({ nameServers: NAMESRV_ADDRS, clientId: name }, process.env)
  }

  async start(): Promise<void> {
    const { group, topic, ordered, handlerMs } = this.#options
    const subscriptions = { [topic]: '*' }
    const options = { group, subscriptions, ordered, consumeFrom: 'first', concurrency: 4 } as const
    const consumer = await this.mq.consumer(options)
    this.consumer = consumer
    const handle = async (message: { body: Buffer }): Promise<void> => {
      const id = String(message.body)
      this.#says(`gets ${id}`)
      if (handlerMs === 0) return
      await new Promise<void>((resolve) => {
        this.#process.env.clock.after(handlerMs, resolve)
      })
      this.#says(`is done with ${id}`)
    }
    consumer.run(handle).catch((error: unknown) => {
      this.#says(String(error))
    })
  }

  stop(): Promise<void> {
    return this.mq.close({ timeout: 5000 })
  }
}

/** Who sends and administers. */
class Sender implements Program {
  readonly mq: RocketMQ
  #producer: Producer | undefined

  constructor(process: SimProcess) {
    this.mq = new RocketMQ({ nameServers: NAMESRV_ADDRS, clientId: 'sender' }, process.env)
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  async producer(): Promise<Producer> {
    return (this.#producer ??= await this.mq.producer({ group: 'senders' }))
  }

  stop(): Promise<void> {
    return this.mq.close()
  }
}

/** A system that does what a script says, and says what happens. Nothing breaks by itself. */
export class Stage implements Surroundings {
  readonly world: World
  readonly net: SimNet
  readonly isQuiet = false
  readonly #machines = new Map<string, Machine<Program>>()
  readonly #members = new Map<string, Machine<Member>>()
  readonly #sender: Machine<Sender>
  #said: string[] = []
  #stepMs = 0
  #failure: unknown

  constructor(seed: number) {
    this.world = new World(seed)
    this.net = new SimNet(this.world)
    NAME_SERVERS.forEach((address, i) => {
      const name = `namesrv-${i}`
      this.#machines.set(name, new Machine(this, { name, address, make: nameServerOn }))
    })
    for (const [name, address] of Object.entries(BROKERS)) {
      // Always the same, whatever else the seed decides.
      const config = brokerConfig(name, address, new SimRandom(1), true)
      const make = (process: SimProcess): Program => new BrokerProgram(process, config)
      const up = (): void => {
        this.#say(`${name} is up`)
      }
      this.#machines.set(name, new Machine<Program>(this, { name, address, make, up }))
    }
    const make = (process: SimProcess): Sender => new Sender(process)
    this.#sender = new Machine<Sender>(this, { name: 'sender', address: OPERATOR, make })
    this.#machines.set('sender', this.#sender)
    for (const machine of this.#machines.values()) machine.start()
  }

  note(): void {
    // A script says what it wants to hear.
  }

  fail(error: unknown): void {
    this.#failure ??= error
    this.world.stop()
  }

  /** A step of a script begins. */
  begin(): void {
    this.#said = []
    this.#stepMs = this.world.time
  }

  /** What was said since it began. */
  get said(): readonly string[] {
    return this.#said
  }

  #say(what: string): void {
    this.#said.push(`+${((this.world.time - this.#stepMs) / 1000).toFixed(1)}s ${what}`)
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.world.run(this.world.time + ms)
    if (this.#failure !== undefined) throw this.#failure as Error
  }

  /** Lets time pass until something has been done, or has failed; says what it failed with. */
  async #done<T>(work: Promise<T>): Promise<T | undefined> {
    let isOver = false
    let value: T | undefined
    work.then(
      (result) => {
        value = result
        isOver = true
      },
      (error: unknown) => {
        if (!(error instanceof RocketMQError)) this.fail(error)
        else this.#say(error.code)
        isOver = true
      },
    )
    const endMs = this.world.time + STEP_MS
    const isWaiting = (): boolean => !isOver && this.world.time < endMs
    while (isWaiting()) await this.pass(10)
    assert.ok(!isWaiting() && this.world.time < endMs, 'it came to an end')
    return value
  }

  /** Creates a topic. */
  async topic(topic: string, queues: number): Promise<void> {
    await this.#done(this.#mq.admin().topics.create(topic, { queues }))
  }

  get #mq(): RocketMQ {
    const { program } = this.#sender
    assert.ok(program !== undefined)
    return program.mq
  }

  /** Sends messages, one after the other. */
  async send(topic: string, ids: readonly string[], shardingKey?: string): Promise<void> {
    const producer = await this.#sender.program?.producer()
    assert.ok(producer !== undefined)
    for (const id of ids) {
      const sent = await this.#done(producer.send({ topic, body: id, shardingKey }))
      if (sent === undefined) continue
      const { brokerName, queueId } = sent.messageQueue
      this.#say(`${id} ${sent.status} in ${brokerName}/${queueId} at ${sent.queueOffset}`)
    }
  }

  /** Starts a member of a group. */
  consumer(name: string, options: MemberOptions): void {
    const says = (what: string): void => {
      this.#say(`${name} ${what}`)
    }
    const machine = new Machine<Member>(this, {
      name,
      address: `10.0.9.${this.#members.size + 1}`,
      make: (process) => new Member(process, name, options, says),
      heard: (event, values) => {
        this.#heard(name, event, values)
      },
    })
    this.#members.set(name, machine)
    this.#machines.set(name, machine)
    machine.start()
  }

  #heard(name: string, event: string, values: EventValues<string>): void {
    if (event === 'remoting.connection.silent') {
      const peer = String(values['peer'])
      const who = [...this.#machines.values()].find(({ address }) => peer.startsWith(`${address}:`))
      this.#say(`${name} gives up the connection to ${who?.name ?? peer}`)
    }
    const topic = String(values['topic'])
    if (event !== 'client.rebalance.done' || topic.startsWith('%RETRY%')) return
    this.#say(`${name} takes ${values['added']} queues of ${topic}, leaves ${values['dropped']}`)
  }

  /** Which member reads each queue of a topic. */
  owners(topic: string): void {
    const lines = [...this.#members].flatMap(([name, { program, isUp }]) =>
      (isUp ? (program?.consumer?.queues ?? []) : [])
        .filter((queue) => queue.topic === topic)
        .map(({ brokerName, queueId }) => `${brokerName}/${queueId}: ${name}`),
    )
    this.#said.push(...lines.sort())
  }

  /** The machine of that name. Throws when there is none. */
  machine(name: string | undefined): Machine<Program> {
    const machine = this.#machines.get(name ?? '')
    assert.ok(machine !== undefined, `there is a machine ${name}`)
    return machine
  }
}
