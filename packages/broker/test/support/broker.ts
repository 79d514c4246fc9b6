import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { memoryDisk, nodeEnv, silentEvents, type Disk, type EventSink } from '@skylarkmq/env'
import { manualClock, type ManualClock } from '@skylarkmq/env/sim'
import {
  decodeCommand,
  decodeReply,
  defaultsOf,
  encodeHeader,
  FLAG_RESPONSE,
  formatProperties,
  HeartBeat,
  heartbeatDataBody,
  parseSubscription,
  PullMessage,
  SendMessageV2,
  writeCommand,
  type FieldMap,
  type HeaderOf,
  type RemotingCommand,
  type ReplyHeaderOf,
} from '@skylarkmq/protocol'
import { examineStore } from '@skylarkmq/store-tools'
import {
  RemotingClient,
  type AnyRequest,
  type Connection,
  type FrameHandler,
} from '@skylarkmq/remoting'
import { allBrokerOptions, type FullBrokerConfig } from '../../src/all-options.ts'
import { Broker } from '../../src/broker.ts'
import { calm, wire } from './wire.ts'

/** An answer whose header can be read. */
export type Answered<D extends AnyRequest> = RemotingCommand & { header: () => ReplyHeaderOf<D> }

/** A client of the broker, over a connection of its own. */
export class Peer {
  readonly #client: RemotingClient
  readonly #address: string
  /** Codes of what the broker asked of it. */
  readonly asked: number[] = []
  /** The code with which it answers what the broker asks; it does not answer without one. */
  answersWith: number | undefined
  /** What the broker asked of it last. */
  lastAsked: RemotingCommand | undefined

  constructor(address: string) {
    this.#address = address
    const handler: FrameHandler = {
      dispatch: (connection, frame) => {
        const command = decodeCommand(frame)
        if ((command.flag & FLAG_RESPONSE) === 0) {
          this.asked.push(command.code)
          const body = command.body === undefined ? undefined : Buffer.from(command.body)
          this.lastAsked = { ...command, body }
          if (this.answersWith !== undefined) answer(connection, command, this.answersWith)
          return
        }
        const body = command.body === undefined ? undefined : Buffer.from(command.body)
        connection.inFlight.answer({ ...command, body })
      },
    }
    this.#client = new RemotingClient({ ...nodeEnv(silentEvents), net: wire }, { handler })
  }

  /** Asks and gives back the whole answer. */
  async ask<D extends AnyRequest>(
    definition: D,
    header: HeaderOf<D>,
    body?: Uint8Array,
  ): Promise<Answered<D>> {
    return this.askWith(definition, encodeHeader(definition, header), body)
  }

  /** As `ask`, with fields as they travel, whatever they are. */
  async askWith<D extends AnyRequest>(
    definition: D,
    fields: FieldMap,
    body?: Uint8Array,
  ): Promise<Answered<D>> {
    const { code, name } = definition
    const request = { code, name, fields, ...(body === undefined ? {} : { body }) }
    const answer = await this.#client.request(this.#address, request, 8_000)
    return { ...answer, header: () => decodeReply(definition, answer.fields ?? {}) }
  }

  /** Sends a message to queue 0, or as `header` says. */
  send(
    topic: string,
    body: string,
    properties: Record<string, string> = {},
    header: Partial<HeaderOf<typeof SendMessageV2>> = {},
  ): Promise<Answered<typeof SendMessageV2>> {
    const whole = {
      producerGroup: 'P',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: 1,
      flag: 0,
      properties: Buffer.from(formatProperties(properties)),
      reconsumeTimes: 0,
      ...header,
    }
    return this.ask(SendMessageV2, whole, Buffer.from(body))
  }

  /** Pulls from queue 0 at `offset` with a subscription in the request, or as `header` says. */
  pull(
    topic: string,
    offset: number,
    header: Partial<HeaderOf<typeof PullMessage>> = {},
  ): Promise<Answered<typeof PullMessage>> {
    const whole = {
      consumerGroup: 'G',
      topic,
      queueId: 0,
      queueOffset: offset,
      maxMsgNums: 32,
      sysFlag: 4,
      commitOffset: 0,
      suspendTimeoutMillis: 15_000,
      subVersion: 0,
      subscription: '*',
      ...header,
    }
    return this.ask(PullMessage, whole)
  }

  /** Joins a group that wants a topic. */
  join(
    clientID: string,
    groupName: string,
    topic: string,
    expression = '*',
    messageModel: 'CLUSTERING' | 'BROADCASTING' = 'CLUSTERING',
  ): Promise<unknown> {
    const body = heartbeatDataBody.encode({
      clientID,
      producerDataSet: [],
      consumerDataSet: [
        {
          groupName,
          consumeType: 'CONSUME_PASSIVELY',
          messageModel,
          consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
          subscriptionDataSet: [parseSubscription(topic, expression, 'TAG', 1)],
          unitMode: false,
        },
      ],
      heartbeatFingerprint: 0,
      withoutSub: false,
    })
    return this.ask(HeartBeat, {}, body)
  }

  /** Joins a group of producers. */
  produce(clientID: string, groupName: string): Promise<unknown> {
    const body = heartbeatDataBody.encode({
      clientID,
      producerDataSet: [{ groupName }],
      consumerDataSet: [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    })
    return this.ask(HeartBeat, {}, body)
  }

  /** Ends its connection. */
  leave(): void {
    this.#client.close()
  }
}

function answer(connection: Connection, asked: RemotingCommand, code: number): void {
  writeCommand(connection.output(), {
    ...asked,
    code,
    flag: FLAG_RESPONSE,
    remark: undefined,
    fields: undefined,
    body: undefined,
  })
}

/** What a test may decide of its broker. */
export interface TestBrokerOptions {
  readonly config?: Partial<FullBrokerConfig>
  readonly disk?: Disk
  readonly clock?: ManualClock
  readonly events?: EventSink
}

/** A broker alone, on a free port, its disk in memory and its clock in the test's hands. */
export async function testBroker(t: TestContext, options: TestBrokerOptions = {}) {
  const clock = options.clock ?? manualClock()
  const disk = options.disk ?? memoryDisk(() => clock.now())
  disk.makeDirectory('/memory')
  const config = {
    ...defaultsOf(allBrokerOptions),
    storeHost: { address: Uint8Array.of(127, 0, 0, 1), port: 0 },
    physicalMemoryBytes: 1024 ** 3,
    storePathRootDir: '/memory',
    mappedFileSizeCommitLog: 1024 * 1024,
    listenPort: 0,
    brokerIP1: '127.0.0.1',
    namesrvAddr: '',
    // Time stands still unless the test moves it.
    configSaveInterval: 0,
    ...options.config,
  } as FullBrokerConfig
  const events = options.events ?? silentEvents
  const broker = new Broker({ ...nodeEnv(events), net: wire, clock, disk }, config)
  const { port } = await broker.listen()
  try {
    await broker.start()
  } catch (error) {
    await broker.stop()
    throw error
  }
  const peers: Peer[] = []
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    for (const peer of peers) peer.leave()
    await broker.stop()
    assert.deepEqual(examineStore(disk, config).problems, [])
  }
  t.after(stop)
  const peer = (): Peer => {
    const made = new Peer(`127.0.0.1:${port}`)
    peers.push(made)
    return made
  }
  const context = broker.context
  if (context === undefined) throw new Error('the broker has started')
  return { broker, context, clock, disk, peer, stop }
}

/** Waits until something holds, looking at each turn of the event loop; the runner's time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets time pass in steps, between which a turn of the event loop ends and all that was sent arrives, until something holds. */
export async function passUntil(
  clock: ManualClock,
  stepMs: number,
  holds: () => boolean,
): Promise<void> {
  while (!holds()) {
    clock.advance(stepMs)
    await new Promise((resolve) => setImmediate(resolve))
    await calm()
  }
}
