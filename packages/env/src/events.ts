import { printable } from './printable.ts'
import { textOfThrown } from './thrown.ts'

/** Severity of an event. */
export type EventLevel = 'debug' | 'info' | 'warn' | 'error'

/** One kind of event: its name, its level, its fields with their meanings, and its sentence. */
export interface EventDefinition<N extends string = string> {
  readonly name: string
  readonly level: EventLevel
  /** What each field holds. */
  readonly fields: Readonly<Record<N, string>>
  /** A sentence with `{field}` as placeholder of a value. */
  readonly says: string
}

/** The values of an event. */
export type EventValues<N extends string> = Readonly<Record<N, string | number | boolean>>

/** Consumer of events: a log for people or machines, counters, or a test that waits for one. */
export interface EventSink {
  emit<N extends string>(definition: EventDefinition<N>, values: EventValues<N>): void
}

/** Declares a kind of event once: `defineEvent({ name: 'store.commitlog.torn', … })`. */
export function defineEvent<const N extends string>(
  definition: EventDefinition<N>,
): EventDefinition<N> {
  return definition
}

/** The sentence of an event with its values: one printable line, whatever they contain. */
export function sentenceOf(definition: EventDefinition, values: EventValues<string>): string {
  return definition.says.replace(/\{(\w+)\}/g, (_, field: string) =>
    printable(String(values[field])),
  )
}

/** A sink that drops everything. */
export const silentEvents: EventSink = { emit: () => undefined }

/** A sink of an `EventFan` threw; it stays registered. */
export const eventSinkFailed = defineEvent({
  name: 'env.sink.failed',
  level: 'error',
  fields: { event: 'Name of the event that it was told first.', reason: 'What it threw.' },
  says: 'something that listens to events threw an error at {event}: {reason}',
})

/** Passes each event to several sinks. A sink that throws does not affect the others, and is reported once. */
export class EventFan implements EventSink {
  readonly #sinks = new Map<EventSink, { hasFailed: boolean }>()

  constructor(...sinks: readonly EventSink[]) {
    for (const sink of sinks) this.add(sink)
  }

  /** Adds a sink; returns a function that removes it. */
  add(sink: EventSink): () => void {
    this.#sinks.set(sink, { hasFailed: false })
    return () => void this.#sinks.delete(sink)
  }

  emit<N extends string>(definition: EventDefinition<N>, values: EventValues<N>): void {
    for (const [sink, state] of this.#sinks) {
      try {
        sink.emit(definition, values)
      } catch (error) {
        if (state.hasFailed) continue
        state.hasFailed = true
        this.#tellOthers(sink, definition.name, error)
      }
    }
  }

  #tellOthers(failed: EventSink, event: string, error: unknown): void {
    for (const [sink, state] of this.#sinks) {
      if (sink === failed || state.hasFailed) continue
      try {
        sink.emit(eventSinkFailed, { event, reason: textOfThrown(error) })
      } catch {
        // Reported on its own, at the next event.
      }
    }
  }
}
