import { durationMs, type StartFrom } from '@skylarkmq/client'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { InvalidArgumentError } from 'commander'

/** Parses a whole number from 1 on. */
export function count(text: string): number {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value > 0) return value
  throw new InvalidArgumentError('It must be a whole number from 1 on.')
}

/** Reads a whole number from 0 on. */
export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 0 on.')
}

/** Reads a length of time; returns ms. */
export function duration(text: string): number {
  try {
    return durationMs(/^\d+$/.test(text) ? Number(text) : text, 'time')
  } catch {
    throw new InvalidArgumentError('It must be a length of time, such as 90s, 10m or 1h30m.')
  }
}

/** Reads a time: ms since 1970, 2026-01-31T12:00, 12:00 of today, or a span before now such as -1h. */
export function time(text: string): Date {
  const ms = timeMs(text.trim())
  if (Number.isFinite(ms)) return new Date(ms)
  throw new InvalidArgumentError(
    'It must be a time: 2026-01-31T12:00, 12:00, ms since 1970, or a span such as -1h.',
  )
}

const now = (): number => nodeEnv(silentEvents).clock.now()

function timeMs(text: string): number {
  if (/^\d{10,}$/.test(text)) return Number(text)
  const span = /^[-+](.+)$/.exec(text)?.[1]
  if (span !== undefined) return now() + (text.startsWith('-') ? -1 : 1) * duration(span)
  const ofDay = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text)
  if (ofDay === null) return Date.parse(text)
  const [, hours, minutes, seconds = 0] = ofDay
  return new Date(now()).setHours(Number(hours), Number(minutes), Number(seconds), 0)
}

/** Reads a place in a topic: `first`, `last`, or a time. */
export function place(text: string): 'first' | 'last' | Date {
  return text === 'first' || text === 'last' ? text : time(text)
}

/** As `place`, for who reads. */
export function startFrom(text: string): StartFrom {
  const found = place(text)
  return typeof found === 'string' ? found : { timestampMs: found.getTime() }
}
