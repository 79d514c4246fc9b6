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
import { readClusterInfo, readMasters, type Master } from './brokers-known.ts'

/** Brokers and clusters. All methods reject with RMQ_NAME_SERVER, and with RMQ_BROKER when a broker refuses. */
export class Brokers {
  readonly #client: ClientInstance

  /** `client` makes the connections. */
  constructor(client: ClientInstance) {
    this.#client = client
  }

  /** All clusters and brokers, slaves among them. */
  clusters(): Promise<ClusterInfo> {
    return readClusterInfo(this.#client)
  }

  /** The masters of a cluster, or of all. Rejects with RMQ_TOPIC_NOT_FOUND when there is none. */
  masters(cluster?: string): Promise<Master[]> {
    return readMasters(this.#client, cluster)
  }

  /** The settings of a broker, by name. `address` is `host:port`. */
  async config(address: string): Promise<Map<string, string>> {
    const answer = await this.#client.caller.call(address, GetBrokerConfig, {})
    return parsePropertiesText(answer.body?.toString('utf8') ?? '')
  }

  /** Changes settings of a broker while it runs. */
  async setConfig(address: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const body = Buffer.from(formatPropertiesText(new Map(Object.entries(settings))), 'utf8')
    await this.#client.caller.call(address, UpdateBrokerConfig, {}, { body })
  }

  /** What a broker says of itself, by name, as mqadmin brokerStatus prints it. */
  async runtime(address: string): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#client.caller.call(address, GetBrokerRuntimeInfo, {})
    return kvTableBody.decode(answer.body).table
  }
}
