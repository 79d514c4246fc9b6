import type { Env } from '@skylarkmq/env'
import type { StoreConfig } from '../options.ts'
import type { DeliveryListener } from './timer-dequeue.ts'
import { TimerMessageStore } from './timer-message-store.ts'
import type { TimerHost } from './timer-parts.ts'

/** The timers of a store by role: a slave has none, and may become a master. */
export class TimersOfRole {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #host: TimerHost
  readonly #listeners: DeliveryListener[] = []
  /** Undefined with `timerWheelEnable=false`, and on a slave that has never been a master. */
  timers: TimerMessageStore | undefined

  constructor(env: Env, config: StoreConfig, host: TimerHost) {
    this.#env = env
    this.#config = config
    this.#host = host
    this.open()
  }

  /** Registers a listener for deliveries. */
  onDelivery(listener: DeliveryListener): void {
    this.#listeners.push(listener)
    this.timers?.onDelivery(listener)
  }

  /** Opens the timers of a master. Throws the host's error. */
  open(): void {
    const { timerWheelEnable, brokerRole } = this.#config
    if (!timerWheelEnable || brokerRole === 'SLAVE' || this.timers !== undefined) return
    this.timers = new TimerMessageStore(this.#env, this.#config, this.#host)
    for (const listener of this.#listeners) this.timers.onDelivery(listener)
  }

  /** Delivers on a master, stops on a slave. Throws the host's error. */
  follow(): void {
    this.open()
    if (this.#config.brokerRole === 'SLAVE') this.timers?.stop()
    else this.timers?.start()
  }
}
