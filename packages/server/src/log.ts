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

/**
 * Events as lines: for people, `10:31:02 warn  …`; for machines, one JSON object each. Of one event that comes again and
 * again the first hundred of ten seconds are told, and how many followed: who sends nonsense must not fill a disk.
 */
export function logEvents(options: LogOptions): EventSink {
  const rates = new LineRates(options)
  return {
    emit: (definition, values) => {
      if (RANK[definition.level] < RANK[options.level]) return
      if (!rates.mayTell(definition.name, definition.level)) return
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

const LINES_MAX = 100
const WINDOW_MS = 10_000

/** What was told of one event since `sinceMs`. */
interface LineRate {
  readonly level: EventLevel
  sinceMs: number
  told: number
  untold: number
}

/** Which events come too often to be told one by one. */
class LineRates {
  readonly #options: LogOptions
  readonly #rates = new Map<string, LineRate>()
  /** When the first window with something untold ends. */
  #nextEndMs = Infinity

  constructor(options: LogOptions) {
    this.#options = options
  }

  /** Counts an event; false when it is not to be told by itself. */
  mayTell(name: string, level: EventLevel): boolean {
    const now = this.#options.now()
    // A clock that was set back ends a window as well.
    const isBack = this.#nextEndMs < Infinity && now + WINDOW_MS < this.#nextEndMs
    if (now >= this.#nextEndMs || isBack) this.#tellOfUntold(now)
    const rate = this.#rates.get(name) ?? { level, sinceMs: now, told: 0, untold: 0 }
    this.#rates.set(name, rate)
    const isOver = now >= rate.sinceMs + WINDOW_MS || now < rate.sinceMs
    if (isOver && rate.untold === 0) Object.assign(rate, { sinceMs: now, told: 0 })
    if (rate.told < LINES_MAX) {
      rate.told++
      return true
    }
    rate.untold++
    this.#nextEndMs = Math.min(this.#nextEndMs, rate.sinceMs + WINDOW_MS)
    return false
  }

  #tellOfUntold(now: number): void {
    this.#nextEndMs = Infinity
    for (const [name, rate] of this.#rates) {
      if (rate.untold === 0) continue
      const says = `${rate.untold} more of ${name}, which came too often to be told one by one`
      this.#write(now, name, rate, says)
      Object.assign(rate, { sinceMs: now, told: 0, untold: 0 })
    }
  }

  #write(now: number, event: string, { level, untold }: LineRate, says: string): void {
    const { format, write } = this.#options
    const { clock, iso } = timeOf(now)
    const line = { time: iso, level, event, untold, says }
    write(format === 'json' ? JSON.stringify(line) : `${clock} ${level.padEnd(5)} ${says}`)
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
