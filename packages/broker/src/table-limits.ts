import type { EventSink } from '@skylarkmq/env'
import { TableLimit, unlimited } from '@skylarkmq/protocol'
import { tableFull } from './events.ts'
import type { limitOptions } from './options-limits.ts'
import type { BrokerConfig } from './options.ts'

/** Each table, what it holds, and the option that bounds it. */
const TABLES = {
  topics: ['topics', 'maxTopics'],
  groups: ['consumer groups', 'maxSubscriptionGroups'],
  forbidden: ['topics that groups may not read', 'maxForbiddenTopics'],
  requestModes: ['message request modes', 'maxMessageRequestModes'],
  offsets: ['consumer offsets', 'maxConsumerOffsets'],
  filters: ['SQL92 expressions', 'maxConsumerFilterBytes'],
  consumers: ['connected consumers', 'maxClientBytes'],
  producers: ['connected producers', 'maxClientBytes'],
  locks: ['locked queues', 'maxQueueLocks'],
  coldData: ['limits for reading cold data', 'maxColdDataGroups'],
  stats: ['statistics', 'maxStatsItems'],
} as const satisfies Record<string, readonly [table: string, option: keyof typeof limitOptions]>

/** The bounds of a broker's tables. */
export type TableLimits = Readonly<Record<keyof typeof TABLES, TableLimit>>

/** The bounds that a configuration sets; that a table is full is an event. */
export function tableLimits(config: BrokerConfig, events: EventSink): TableLimits {
  const made = Object.entries(TABLES).map(([name, [table, option]]) => {
    const limit = config[option]
    return [
      name,
      new TableLimit({ table, option, limit }, (reached) => {
        events.emit(tableFull, reached)
      }),
    ]
  })
  return Object.fromEntries(made) as TableLimits
}

/** No bounds, for tables that are used by themselves. */
export const noLimits: TableLimits = Object.fromEntries(
  Object.entries(TABLES).map(([name, [table]]) => [name, unlimited(table)]),
) as TableLimits
