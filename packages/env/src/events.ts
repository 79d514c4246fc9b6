import { printable } from './printable.ts'
import { textOfThrown } from './thrown.ts'

/** How loud an event is. */
export type EventLevel = 'debug' | 'info' | 'warn' | 'error'

/** One kind of event: its name, its level, its fields with what they mean, and the sentence made of them. */
export interface EventDefinition<N extends string = string> {
  readonly name: string
  readonly level: EventLevel
  /** What each field holds. */
  readonly fields: Readonly<Record<N, string>>
  /** A sentence with `{field}` where a value goes. */
  readonly says: string
}

/** The values of an event. */
export type EventValues<N extends string> = Readonly<Record<N, string | number | boolean>>

/** Where events go: a line for people, JSON for machines, counters, or a test that waits for one. */
export interface EventSink {
  emit<N extends string>(definition: EventDefinition<N>, values: EventValues<N>): void
}

/** Declares a kind of event once: `defineEvent({ name: 'store.commitlog.torn', … })`. */
export function defineEvent<const N extends string>(
  definition: EventDefinition<N>,
): EventDefinition<N> {
  return definition
}

/** The sentence of an event, its values filled in: one printable line, whatever they hold. */
export function sentenceOf(definition: EventDefinition, values: EventValues<string>): string {
  return definition.says.replace(/\{(\w+)\}/g, (_, field: string) =>
    printable(String(values[field])),
  )
}

/** A sink that hears nothing. */
export const silentEvents: EventSink = { emit: () => undefined }

/** A sink of an `EventFan` threw; it goes on to be told. */
export const eventSinkFailed = defineEvent({
  name: 'env.sink.failed',
  level: 'error',
  fields: { event: 'Name of the event that it was told first.', reason: 'What it threw.' },
  says: 'something that listens to events threw an error at {event}: {reason}',
})

/** Gives each event to several sinks. One that throws keeps no other from hearing; the others are told once. */
export class EventFan implements EventSink {
  readonly #sinks = new Map<EventSink, { hasFailed: boolean }>()

  constructor(...sinks: readonly EventSink[]) {
    for (const sink of sinks) this.add(sink)
  }

  /** Adds a sink; call what is returned to take it out again. */
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
        // It is told of by itself, at the next event.
      }
    }
  }
}
