import type { Part } from '@skylarkmq/env'
import type { BrokerConfig } from './options.ts'
import type { StoreConfig } from '@skylarkmq/store'

/** Values of `brokerRole`. */
export type RoleName = StoreConfig['brokerRole']

/**
 * Whether a broker is a master or a slave, which may change while it runs. What only a master does starts and stops with
 * it. Apache: `BrokerRole.java`, `BrokerController.java` changeSpecialServiceStatus.
 */
export class BrokerRole {
  readonly #config: BrokerConfig & StoreConfig
  readonly #listeners: (() => void)[] = []

  /** The role is that of `config.brokerRole`, which `change` sets. */
  constructor(config: BrokerConfig & StoreConfig) {
    this.#config = config
  }

  get isSlave(): boolean {
    return this.#config.brokerRole === 'SLAVE'
  }

  /** Has `listener` called after each change between master and slave, in the order of registration. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Changes the role. Throws what a part throws that cannot start. */
  change(role: RoleName): void {
    const wasSlave = this.isSlave
    this.#config.brokerRole = role
    if (wasSlave !== this.isSlave) for (const listener of this.#listeners) listener()
  }

  /** A part that runs while the broker is a master. */
  ofMaster(name: string, work: { start(): void; stop(): void }): Part {
    let isStarted = false
    const follow = (): void => {
      if (!isStarted) return
      if (this.isSlave) work.stop()
      else work.start()
    }
    this.onChange(follow)
    return {
      name,
      start: () => {
        isStarted = true
        if (!this.isSlave) work.start()
      },
      stop: () => {
        isStarted = false
        work.stop()
      },
    }
  }
}
