import {
  formatPropertiesText,
  GetBrokerConfig,
  GetBrokerRuntimeInfo,
  kvTableBody,
  parsePropertiesText,
  UpdateBrokerConfig,
  type ClusterInfo,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { underSignal, type CallOptions } from '../waiting.ts'
import { readClusterInfo, readMasters, type Master } from './brokers-known.ts'

/** Brokers and clusters. All methods reject with RMQ_NAME_SERVER, with RMQ_BROKER when a broker refuses, and with the reason of `signal`. */
export class Brokers {
  readonly #client: ClientInstance

  /** `client` makes the connections. */
  constructor(client: ClientInstance) {
    this.#client = client
  }

  /** All clusters and brokers, slaves among them. */
  clusters(options: CallOptions = {}): Promise<ClusterInfo> {
    return underSignal(options, () => readClusterInfo(this.#client))
  }

  /** The masters of a cluster, or of all. Rejects with RMQ_TOPIC_NOT_FOUND when there is none. */
  masters(cluster?: string, options: CallOptions = {}): Promise<Master[]> {
    return underSignal(options, () => readMasters(this.#client, cluster))
  }

  /** The settings of a broker, by name. `address` is `host:port`. */
  config(address: string, options: CallOptions = {}): Promise<Map<string, string>> {
    return underSignal(options, async () => {
      const answer = await this.#client.caller.call(address, GetBrokerConfig, {})
      return parsePropertiesText(answer.body?.toString('utf8') ?? '')
    })
  }

  /** Changes settings of a broker while it runs. */
  setConfig(
    address: string,
    settings: Readonly<Record<string, string>>,
    options: CallOptions = {},
  ): Promise<void> {
    return underSignal(options, async () => {
      const body = Buffer.from(formatPropertiesText(new Map(Object.entries(settings))), 'utf8')
      await this.#client.caller.call(address, UpdateBrokerConfig, {}, { body })
    })
  }

  /** What a broker says of itself, by name, as mqadmin brokerStatus prints it. */
  runtime(address: string, options: CallOptions = {}): Promise<ReadonlyMap<string, string>> {
    return underSignal(options, async () => {
      const answer = await this.#client.caller.call(address, GetBrokerRuntimeInfo, {})
      return kvTableBody.decode(answer.body).table
    })
  }
}
