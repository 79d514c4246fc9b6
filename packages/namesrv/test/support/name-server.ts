import type { TestContext } from 'node:test'
import { memoryDisk, nodeEnv, silentEvents, type Disk } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import {
  CURRENT_VERSION,
  decodeCommand,
  decodeReply,
  defaultsOf,
  encodeHeader,
  FLAG_RESPONSE,
  encodeRegisterBrokerBody,
  RegisterBroker,
  type FieldMap,
  type HeaderOf,
  type RemotingCommand,
  type ReplyHeaderOf,
  type TopicConfig,
} from '@skylarkmq/protocol'
import { RemotingClient, type AnyRequest, type FrameHandler } from '@skylarkmq/remoting'
import { NameServer } from '../../src/name-server.ts'
import { namesrvOptions, type NamesrvConfig } from '../../src/options.ts'

/** A topic of `queues` queues as brokers register it. */
export function topicOf(topicName: string, perm = 6, queues = 4): TopicConfig {
  return {
    topicName,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  }
}

/** What a broker registers. */
export interface Broker {
  readonly name: string
  readonly id: number
  readonly address: string
  readonly topics: readonly TopicConfig[]
  readonly counter?: number
  readonly stateVersion?: number
  readonly header?: Partial<HeaderOf<typeof RegisterBroker>>
}

/** One program that talks to the name server, over a connection of its own. */
export class Peer {
  readonly #client: RemotingClient
  readonly #address: string
  /** Codes of what the name server asked of it. */
  readonly asked: number[] = []

  constructor(address: string) {
    this.#address = address
    const handler: FrameHandler = {
      dispatch: (connection, frame) => {
        const command = decodeCommand(frame)
        if ((command.flag & FLAG_RESPONSE) === 0) {
          this.asked.push(command.code)
          return
        }
        const body = command.body === undefined ? undefined : Buffer.from(command.body)
        connection.inFlight.answer({ ...command, body })
      },
    }
    this.#client = new RemotingClient(nodeEnv(silentEvents), { handler })
  }

  /** Asks and gives back the whole answer. */
  async ask<D extends AnyRequest>(
    definition: D,
    header: HeaderOf<D>,
    body?: Uint8Array,
  ): Promise<RemotingCommand & { header: () => ReplyHeaderOf<D> }> {
    return this.askWith(definition, encodeHeader(definition, header), body)
  }

  /** As `ask`, with fields as they travel, whatever they are. */
  async askWith<D extends AnyRequest>(
    definition: D,
    fields: FieldMap,
    body?: Uint8Array,
  ): Promise<RemotingCommand & { header: () => ReplyHeaderOf<D> }> {
    const request = {
      code: definition.code,
      name: definition.name,
      fields,
      ...(body === undefined ? {} : { body }),
    }
    const answer = await this.#client.request(this.#address, request, 60_000)
    return { ...answer, header: () => decodeReply(definition, answer.fields ?? {}) }
  }

  /** Registers a broker with all its topics. */
  register(broker: Broker): ReturnType<typeof this.ask<typeof RegisterBroker>> {
    const { topics, counter = 1, stateVersion = 0 } = broker
    const dataVersion = { stateVersion, timestamp: 1, counter }
    const form = { version: CURRENT_VERSION, compressed: false }
    const wrapper = {
      dataVersion,
      mappingDataVersion: dataVersion,
      topicConfigTable: new Map(topics.map((topic) => [topic.topicName, topic])),
    }
    const registered = { filterServerList: [], topicConfigSerializeWrapper: wrapper }
    const body = encodeRegisterBrokerBody(registered, form)
    const header = {
      brokerName: broker.name,
      brokerAddr: broker.address,
      clusterName: 'C',
      haServerAddr: `${broker.address}2`,
      brokerId: broker.id,
      bodyCrc32: 0,
      compressed: false,
      ...broker.header,
    }
    return this.ask(RegisterBroker, header, body)
  }

  /** Ends its connection. */
  leave(): void {
    this.#client.close()
  }
}

/** A name server on a free port, with a clock of its own. */
export async function nameServer(
  t: TestContext,
  config: Partial<NamesrvConfig> = {},
  disk: Disk = memoryDisk(() => 0),
) {
  const clock = manualClock()
  const env = { ...nodeEnv(silentEvents), clock, disk }
  const server = new NameServer(env, {
    ...defaultsOf(namesrvOptions),
    // Time stands still unless the test moves it.
    configSaveInterval: 0,
    listenPort: 0,
    kvConfigPath: '/memory/namesrv/kvConfig.json',
    ...config,
  })
  const port = await server.start()
  const peers: Peer[] = []
  t.after(async () => {
    for (const peer of peers) peer.leave()
    await server.stop()
  })
  const peer = (): Peer => {
    const made = new Peer(`127.0.0.1:${port}`)
    peers.push(made)
    return made
  }
  return { server, clock, port, peer, disk }
}
