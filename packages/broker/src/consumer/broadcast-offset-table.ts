import type { Clock } from '@skylarkmq/env'
import type { BrokerConfig } from '../options.ts'
import type { ConsumerOffsetTable } from './consumer-offset-table.ts'
import type { ConsumerTable } from './consumer-table.ts'

/** How far one client of a broadcasting group has pulled. */
interface ClientOffsets {
  heardMs: number
  readonly offsets: Map<number, number>
}

interface BroadcastGroup {
  readonly topic: string
  readonly group: string
  readonly clients: Map<string, ClientOffsets>
}

/** What the table needs of the broker. */
export interface BroadcastParts {
  readonly clock: Clock
  readonly config: Pick<
    BrokerConfig,
    'enableBroadcastOffsetStore' | 'broadcastOffsetExpireSecond' | 'broadcastOffsetExpireMaxSecond'
  >
  readonly consumers: Pick<ConsumerTable, 'client'>
  readonly offsets: Pick<ConsumerOffsetTable, 'commit'>
}

/**
 * How far the clients of broadcasting groups have pulled. They keep their offsets themselves; the least of them is
 * committed for `group@broadcast`, as tools read it. Apache: `BroadcastOffsetManager.java`.
 */
export class BroadcastOffsetTable {
  readonly #parts: BroadcastParts
  readonly #groups = new Map<string, BroadcastGroup>()

  constructor(parts: BroadcastParts) {
    this.#parts = parts
  }

  /** A client of a broadcasting group has pulled up to an offset. */
  pulled(topic: string, group: string, queueId: number, offset: number, clientId: string): void {
    const { clock, config } = this.#parts
    if (!config.enableBroadcastOffsetStore) return
    const key = `${topic}@${group}`
    const found = this.#groups.get(key) ?? {
      topic,
      group,
      clients: new Map<string, ClientOffsets>(),
    }
    this.#groups.set(key, found)
    const client = found.clients.get(clientId) ?? { heardMs: 0, offsets: new Map<number, number>() }
    found.clients.set(clientId, client)
    client.heardMs = clock.monotonic()
    const before = client.offsets.get(queueId) ?? -1
    if (offset > before) client.offsets.set(queueId, offset)
  }

  /** Commits the least offset of each queue, and forgets clients that are gone. To be called every few seconds. */
  scan(): void {
    for (const [key, each] of this.#groups) {
      for (const [queueId, offset] of this.#leastOf(each)) {
        this.#parts.offsets.commit(`${each.group}@broadcast`, each.topic, queueId, offset)
      }
      if (each.clients.size === 0) this.#groups.delete(key)
    }
  }

  #leastOf({ group, clients }: BroadcastGroup): Map<number, number> {
    const { clock, config, consumers } = this.#parts
    const least = new Map<number, number>()
    for (const [clientId, { heardMs, offsets }] of clients) {
      const isOnline = consumers.client(group, clientId) !== undefined
      const silentSec = (clock.monotonic() - heardMs) / 1000
      const isExpired = silentSec >= config.broadcastOffsetExpireSecond
      if (isOnline || !isExpired) {
        for (const [queueId, offset] of offsets) {
          least.set(queueId, Math.min(least.get(queueId) ?? offset, offset))
        }
      }
      const limitSec = isOnline
        ? config.broadcastOffsetExpireMaxSecond
        : config.broadcastOffsetExpireSecond
      if (silentSec >= limitSec) clients.delete(clientId)
    }
    return least
  }
}
