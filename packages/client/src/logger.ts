import { sentenceOf, warnOnce, type EventSink } from '@skylarkmq/env'
import { letGo } from './user-code.ts'

/** Writes one line: what it is about, then a sentence. */
export type LogLine = (fields: object, message: string) => void

/** Takes what this client has to say. A pino logger is one, and so are its children. */
export interface Logger {
  /** What only who looks for a fault wants to know. */
  readonly debug: LogLine
  /** What is as it should be. */
  readonly info: LogLine
  /** What the client puts right by itself. */
  readonly warn: LogLine
  /** What somebody has to look at. */
  readonly error: LogLine
}

/**
 * Hands events to a logger: `event` is the name of docs/reference/events.md, the other fields are the event's. What a
 * logger throws on is told as without one: nothing else fails for it, nor for the promise that an asynchronous one rejects.
 */
export function eventsTo(logger: Logger): EventSink {
  const rest = warnOnce()
  return {
    emit: (definition, values) => {
      const fields = { event: definition.name, ...values }
      try {
        letGo(answeredBy(logger, definition.level, fields, sentenceOf(definition, values)))
      } catch {
        rest.emit(definition, values)
      }
    },
  }
}

/** What a logger answers is nothing, but for one that is asynchronous. */
function answeredBy(logger: Logger, level: keyof Logger, ...line: Parameters<LogLine>): unknown {
  const asked: Readonly<Record<keyof Logger, (...line: Parameters<LogLine>) => unknown>> = logger
  return asked[level](...line)
}
