import type { EventDefinition } from '../events.ts'

/** The part of a test's context that is needed: `TestContext` of `node:test`. */
interface Ending {
  after(f: () => void): void
}

/**
 * Makes the test fail at its end unless the event was emitted: a test that names an event proves that it reached the
 * line that emits it. `seen` are the names of the events so far, as collected by the test environments.
 */
export function expectEvent(t: Ending, seen: readonly string[], { name }: EventDefinition): void {
  t.after(() => {
    if (seen.includes(name)) return
    throw new Error(`the event ${name} was not emitted; there were: ${seen.join(', ') || 'none'}`)
  })
}
