import { printable } from './printable.ts'

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
