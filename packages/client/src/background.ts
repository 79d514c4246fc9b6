import { errorOfThrown, stackOfThrown, type EventSink } from '@skylarkmq/env'
import { SkylarkError } from '@skylarkmq/protocol'
import { saysOf } from './errors.ts'
import { backgroundFailed } from './events.ts'

/** Lets `work` continue while nobody waits for it: what it rejects with is told, and ends nothing else. */
export function inBackground(
  events: EventSink,
  what: string,
  work: Promise<unknown> | undefined,
): void {
  work?.catch((error: unknown) => {
    events.emit(backgroundFailed, { what, reason: whatFailed(error) })
  })
}

/** What went wrong, for a log: of an error that nobody expected also where. Never throws, whatever was thrown. */
export function whatFailed(error: unknown): string {
  return errorOfThrown(error) instanceof SkylarkError ? saysOf(error) : stackOfThrown(error)
}
