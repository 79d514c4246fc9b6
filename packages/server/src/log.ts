import {
  printableJson,
  sentenceOf,
  type EventLevel,
  type EventSink,
  type EventValues,
} from '@skylarkmq/env'

/** How log lines look. */
export type LogFormat = 'pretty' | 'json'

/** What a log line goes through. */
export interface LogOptions {
  readonly format: LogFormat
  readonly level: EventLevel
  /** Takes a line without its end. */
  readonly write: (line: string) => void
  readonly now: () => number
}

const RANK: Readonly<Record<EventLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Events as lines: for people, `10:31:02 warn  …`; for machines, one JSON object each. */
export function logEvents(options: LogOptions): EventSink {
  return {
    emit: (definition, values) => {
      if (RANK[definition.level] < RANK[options.level]) return
      const time = timeOf(options.now())
      const says = sentenceOf(definition, values)
      if (options.format === 'json') {
        const line = {
          time: time.iso,
          level: definition.level,
          event: definition.name,
          ...clipped(values),
          says,
        }
        options.write(printableJson(JSON.stringify(line)))
        return
      }
      options.write(`${time.clock} ${definition.level.padEnd(5)} ${says}`)
    },
  }
}

const VALUE_LENGTH_MAX = 2048

/** Values no longer than a line bears. */
function clipped(values: EventValues<string>): EventValues<string> {
  const entries = Object.entries(values).map(([name, value]) =>
    typeof value === 'string' && value.length > VALUE_LENGTH_MAX
      ? [
          name,
          `${value.slice(0, VALUE_LENGTH_MAX)}… (${value.length - VALUE_LENGTH_MAX} more characters)`,
        ]
      : [name, value],
  )
  return Object.fromEntries(entries) as EventValues<string>
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const isoFormat = new Intl.DateTimeFormat('sv', {
  dateStyle: 'short',
  timeStyle: 'medium',
  timeZone: 'UTC',
})

/** A moment as a person in this time zone reads it, and as a machine does. */
function timeOf(ms: number): { clock: string; iso: string } {
  const fraction = String(Math.floor(ms) % 1000).padStart(3, '0')
  return {
    clock: clockFormat.format(ms),
    iso: `${isoFormat.format(ms).replace(' ', 'T')}.${fraction}Z`,
  }
}
