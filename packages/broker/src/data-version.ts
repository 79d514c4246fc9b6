import type { Env } from '@skylarkmq/env'
import type { DataVersion } from '@skylarkmq/protocol'

/** The version of a table, by which name servers and slaves see that it changed. Apache: `DataVersion.java`. */
export class VersionCounter {
  readonly #env: Env
  #value: DataVersion

  constructor(env: Env) {
    this.#env = env
    this.#value = { stateVersion: 0, timestamp: env.clock.now(), counter: 0 }
  }

  /** The version now. */
  get value(): DataVersion {
    return this.#value
  }

  /** Takes over a version that was saved. */
  restore(version: Partial<DataVersion> | undefined): void {
    this.#value = {
      stateVersion: version?.stateVersion ?? 0,
      // A file that a hand wrote may have none.
      timestamp: version?.timestamp || this.#env.clock.now(),
      counter: version?.counter ?? 0,
    }
  }

  /** The table changed. */
  next(): void {
    const { stateVersion, counter } = this.#value
    this.#value = { stateVersion, timestamp: this.#env.clock.now(), counter: counter + 1 }
  }
}
