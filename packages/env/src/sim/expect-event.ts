import type { EventDefinition } from '../events.ts'

/** What of a test's context is wanted: `TestContext` of `node:test`. */
interface Ending {
  after(f: () => void): void
}

/**
 * Has the test fail at its end unless the event was emitted: a test that says which one it is about shows that it came to the
 * line that emits it. `seen` are the names of the events so far, as the test environments collect them.
 */
export function expectEvent(t: Ending, seen: readonly string[], { name }: EventDefinition): void {
  t.after(() => {
    if (seen.includes(name)) return
    throw new Error(`the event ${name} was not emitted; there were: ${seen.join(', ') || 'none'}`)
  })
}
