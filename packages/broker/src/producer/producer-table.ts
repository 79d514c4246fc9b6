import type { Clock } from '@skylarkmq/env'
import type { TableLimit } from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import type { GroupClient } from '../consumer/consumer-table.ts'
import { noLimits } from '../table-limits.ts'

/** Memory that a client of a group takes beside its names, roughly. */
const CLIENT_BYTES = 512

/** A group with at least one client. */
interface ProducerGroup {
  readonly clients: Map<Connection, GroupClient>
  /** The same in a row, until they change. */
  row: readonly GroupClient[] | undefined
  /** Whose turn it was last in the row. */
  turn: number
}

/** Who produces, by group. In memory, rebuilt by heartbeats. Apache: `ProducerManager.java`. */
export class ProducerTable {
  readonly #clock: Clock
  readonly #limit: TableLimit
  readonly #groups = new Map<string, ProducerGroup>()
  readonly #ofConnection = new Map<Connection, Set<string>>()
  /** The clients by id, one for each group and connection. */
  readonly #byId = new Map<string, Set<GroupClient>>()
  #bytes = 0

  /** `limit` bounds the memory for what clients say, in bytes. */
  constructor(clock: Clock, limit = noLimits.producers) {
    this.#clock = clock
    this.#limit = limit
  }

  /** Names of all groups. */
  get groups(): Iterable<string> {
    return this.#groups.keys()
  }

  /** The clients of a group; undefined when none is connected. */
  clientsOf(groupName: string): Iterable<GroupClient> | undefined {
    return this.#groups.get(groupName)?.clients.values()
  }

  /** Takes a heartbeat. Throws a ProtocolError when there is no room for the client. */
  register(groupName: string, client: Omit<GroupClient, 'heardMs'>): void {
    const known = this.#groups.get(groupName)?.clients.get(client.connection)
    if (known?.clientId === client.clientId) {
      known.heardMs = this.#clock.monotonic()
      return
    }
    this.#limit.check(this.#bytes + bytesOf(groupName, client))
    if (known !== undefined) this.unregister(groupName, client.connection)
    this.#bytes += bytesOf(groupName, client)
    const made = { ...client, heardMs: this.#clock.monotonic() }
    const group = this.#groups.get(groupName) ?? { clients: new Map(), row: undefined, turn: -1 }
    this.#groups.set(groupName, group)
    group.clients.set(client.connection, made)
    group.row = undefined
    const groups = this.#ofConnection.get(client.connection) ?? new Set<string>()
    this.#ofConnection.set(client.connection, groups.add(groupName))
    const namesakes = this.#byId.get(client.clientId) ?? new Set<GroupClient>()
    this.#byId.set(client.clientId, namesakes.add(made))
  }

  /** A client leaves a group. */
  unregister(groupName: string, connection: Connection): void {
    const group = this.#groups.get(groupName)
    const client = group?.clients.get(connection)
    if (group === undefined || client === undefined) return
    group.clients.delete(connection)
    group.row = undefined
    this.#bytes -= bytesOf(groupName, client)
    if (group.clients.size === 0) this.#groups.delete(groupName)
    const groups = this.#ofConnection.get(connection)
    groups?.delete(groupName)
    if (groups?.size === 0) this.#ofConnection.delete(connection)
    const namesakes = this.#byId.get(client.clientId)
    namesakes?.delete(client)
    if (namesakes?.size === 0) this.#byId.delete(client.clientId)
  }

  /** A connection is gone. */
  closed(connection: Connection): void {
    for (const groupName of [...(this.#ofConnection.get(connection) ?? [])]) {
      this.unregister(groupName, connection)
    }
  }

  /** Clients of a group that are connected, each in turn; undefined when there is none. */
  next(groupName: string): GroupClient | undefined {
    const group = this.#groups.get(groupName)
    if (group === undefined) return undefined
    const row = (group.row ??= [...group.clients.values()])
    group.turn = (group.turn + 1) % row.length
    return row[group.turn]
  }

  /** The client with this id, in whatever group; undefined when it is not connected. */
  client(clientId: string): GroupClient | undefined {
    for (const client of this.#byId.get(clientId) ?? []) return client
    return undefined
  }

  /** Closes the connections of clients that have sent no heartbeat for `expiryMs`. */
  expire(expiryMs: number): void {
    const before = this.#clock.monotonic() - expiryMs
    for (const [groupName, { clients }] of [...this.#groups]) {
      for (const client of clients.values()) {
        if (client.heardMs >= before) continue
        this.unregister(groupName, client.connection)
        client.connection.destroy()
      }
    }
  }
}

function bytesOf(groupName: string, { clientId }: Pick<GroupClient, 'clientId'>): number {
  return CLIENT_BYTES + groupName.length + clientId.length
}
