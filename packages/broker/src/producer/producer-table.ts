import type { Clock } from '@skylarkmq/env'
import type { Connection } from '@skylarkmq/remoting'
import type { GroupClient } from '../consumer/consumer-table.ts'

/** Who produces, by group. In memory, made anew by heartbeats. Apache: `ProducerManager.java`. */
export class ProducerTable {
  readonly #clock: Clock
  readonly #groups = new Map<string, Map<Connection, GroupClient>>()
  readonly #turns = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** All groups: the clients by connection. */
  get all(): ReadonlyMap<string, ReadonlyMap<Connection, GroupClient>> {
    return this.#groups
  }

  /** Takes a heartbeat. */
  register(groupName: string, client: Omit<GroupClient, 'heardMs'>): void {
    const clients = this.#groups.get(groupName) ?? new Map<Connection, GroupClient>()
    clients.set(client.connection, { ...client, heardMs: this.#clock.monotonic() })
    this.#groups.set(groupName, clients)
  }

  /** A client leaves a group. */
  unregister(groupName: string, connection: Connection): void {
    const clients = this.#groups.get(groupName)
    clients?.delete(connection)
    if (clients?.size === 0) {
      this.#groups.delete(groupName)
      this.#turns.delete(groupName)
    }
  }

  /** A connection is gone. */
  closed(connection: Connection): void {
    for (const groupName of [...this.#groups.keys()]) this.unregister(groupName, connection)
  }

  /** Clients of a group that are connected, each in turn; undefined when there is none. */
  next(groupName: string): GroupClient | undefined {
    const clients = [...(this.#groups.get(groupName)?.values() ?? [])]
    const turn = (this.#turns.get(groupName) ?? -1) + 1
    this.#turns.set(groupName, turn)
    return clients[turn % Math.max(1, clients.length)]
  }

  /** The client with this id, in whatever group; undefined when it is not connected. */
  client(clientId: string): GroupClient | undefined {
    for (const clients of this.#groups.values()) {
      for (const client of clients.values()) if (client.clientId === clientId) return client
    }
    return undefined
  }

  /** Closes the connections of clients that have sent no heartbeat for `expiryMs`. */
  expire(expiryMs: number): void {
    const before = this.#clock.monotonic() - expiryMs
    for (const [groupName, clients] of [...this.#groups]) {
      for (const client of [...clients.values()]) {
        if (client.heardMs >= before) continue
        this.unregister(groupName, client.connection)
        client.connection.destroy()
      }
    }
  }
}
