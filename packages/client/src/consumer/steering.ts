import { RETRY_PREFIX } from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { OptionError } from '../errors.ts'
import { QueueOffsets, type StartFrom } from '../offset/queue-offsets.ts'
import { allOf } from '../waiting.ts'
import type { OwnedQueues } from './owned-queues.ts'
import { checkPlace, checkSought, PausedPlaces, type QueuePlace } from './paused-places.ts'

/** What steering needs of its consumer. */
export interface SteeringParts {
  readonly client: ClientInstance
  /** In its namespace. */
  readonly group: string
  /** Topics that are wanted, in their namespace. */
  topics(): readonly string[]
  owned(): OwnedQueues | undefined
}

/** What is to be consumed now and from where, as somebody says while it runs. Apache: `DefaultLitePullConsumer.java`. */
export class Steering {
  readonly #parts: SteeringParts
  /** What is paused. */
  readonly paused = new PausedPlaces()
  /** Nothing is pulled for now. */
  isSuspended = false

  constructor(parts: SteeringParts) {
    this.#parts = parts
  }

  /** Pauses a place. Throws RMQ_OPTION. */
  pause(place: QueuePlace): void {
    this.paused.say(this.#wrapped(place), true)
    this.#parts.owned()?.applyPauses()
  }

  /** Goes on with a place, or with all. Throws RMQ_OPTION. */
  resume(place?: QueuePlace): void {
    if (place === undefined) {
      this.isSuspended = false
      this.paused.clear()
    } else this.paused.say(this.#wrapped(place), false)
    this.#parts.owned()?.applyPauses()
  }

  /** See `Consumer.seek`. */
  async seek(place: QueuePlace, to: number | StartFrom): Promise<void> {
    const wrapped = this.#wrapped(place)
    const own = this.#parts.owned()?.at(wrapped) ?? []
    checkSought(own.length, place, to)
    const offsets = new QueueOffsets(this.#parts.client)
    const sought = own.map(async (each) => {
      const offset = typeof to === 'number' ? to : await offsets.at(each, to)
      await this.#parts.owned()?.seek(each, offset)
    })
    await allOf(sought)
  }

  /** A place with its topic as brokers know it. Throws RMQ_OPTION for what this consumer does not want. */
  #wrapped(place: QueuePlace): QueuePlace {
    checkPlace(place)
    const topic = this.#parts.client.wrapped(place.topic)
    const topics = this.#parts.topics()
    if (topics.includes(topic) || topic === RETRY_PREFIX + this.#parts.group) {
      return { ...place, topic }
    }
    const problem = `${place.topic} is not subscribed, but ${topics.join(', ')}`
    throw new OptionError({ option: 'topic', problem })
  }
}
