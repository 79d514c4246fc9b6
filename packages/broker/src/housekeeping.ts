import { hostErrorCode, type Env, type Part, type Timer } from '@skylarkmq/env'
import type { BrokerContext } from './broker-context.ts'
import { tableNotSaved } from './events.ts'
import { inTurns } from './in-turns.ts'

const SAMPLE_MS = 10_000
/** Counters that are sampled in one turn, so that others get theirs. */
const SAMPLED_PER_TURN = 10_000
const EXPIRE_MS = 10_000
const DELAY_OFFSET_MS = 1_000
const FILTER_MS = 10_000
const COLD_DATA_MS = 5_000
const BROADCAST_MS = 5_000

/** Something that is done again and again. */
interface Chore {
  readonly everyMs: number
  /** The table that it saves; a save that the host refuses is told of, and tried again at the next time. */
  readonly saves?: string
  readonly run: () => void
}

/** What a broker does by the clock. Apache: `BrokerController.java`, initializeScheduledTasks. */
function choresOf(context: BrokerContext): readonly Chore[] {
  const { config, env } = context
  const { flushConsumerOffsetInterval, channelExpiredTimeout } = config
  return [
    {
      everyMs: flushConsumerOffsetInterval,
      saves: 'consumer offsets',
      run: () => {
        context.transactions.saveProgress()
        context.offsets.save()
      },
    },
    {
      everyMs: flushConsumerOffsetInterval,
      saves: 'topics and groups',
      run: () => {
        context.topics.save()
        context.groups.save()
      },
    },
    {
      everyMs: DELAY_OFFSET_MS,
      saves: 'delay offsets',
      run: () => {
        if (!context.role.isSlave) context.schedule.save()
      },
    },
    {
      everyMs: FILTER_MS,
      saves: 'consumer filters',
      run: () => {
        context.filters.save()
      },
    },
    {
      everyMs: BROADCAST_MS,
      run: () => {
        context.broadcasts.scan()
      },
    },
    {
      everyMs: COLD_DATA_MS,
      run: () => {
        context.coldData.clear()
      },
    },
    {
      everyMs: SAMPLE_MS,
      run: () => {
        inTurns(env.clock, () => context.stats.sampleSome(SAMPLED_PER_TURN))
        context.day.tick()
      },
    },
    {
      everyMs: EXPIRE_MS,
      run: () => {
        context.consumers.expire(channelExpiredTimeout)
        context.producers.expire(channelExpiredTimeout)
        context.locks.sweep()
      },
    },
  ]
}

/** A broker's chores, as a part of it. */
export function housekeeping(context: BrokerContext): Part {
  const { env } = context
  const timers: Timer[] = []
  return {
    name: 'housekeeping',
    start: () => {
      for (const { everyMs, saves, run } of choresOf(context)) {
        const chore =
          saves === undefined
            ? run
            : () => {
                trySaving(env, saves, run)
              }
        timers.push(env.clock.every(everyMs, chore))
      }
    },
    stop: () => {
      for (const timer of timers) timer.cancel()
    },
  }
}

/** Saves a table; when the host refuses, an event says so. */
export function trySaving({ events }: Env, table: string, save: () => void): void {
  try {
    save()
  } catch (error) {
    if (hostErrorCode(error) === undefined) throw error
    events.emit(tableNotSaved, { table, reason: String(error) })
  }
}
