import type { MessageQueue } from '@skylarkmq/protocol'
import { shown } from '../check/check-options.ts'
import { OptionError } from '../errors.ts'

/** One queue, the queues of one number or of one broker, or all of a topic. */
export interface QueuePlace {
  /** Topic, without the namespace; `%RETRY%` and the group: what failed and comes again. */
  readonly topic: string
  /** Name of a broker; default all. */
  readonly brokerName?: string | undefined
  /** Number of a queue; default all. */
  readonly queueId?: number | undefined
}

/** Throws RMQ_OPTION for what is no place. */
export function checkPlace(place: unknown): asserts place is QueuePlace {
  const { topic, brokerName, queueId, ...more } = Object(place) as Record<string, unknown>
  const [unknown] = Object.keys(more)
  if (typeof place !== 'object' || typeof topic !== 'string' || unknown !== undefined) {
    const what = unknown === undefined ? shown(place) : `a place has no ${unknown}: it`
    throw wrong('topic', `${what} is no { topic, brokerName, queueId }`)
  }
  if (brokerName !== undefined && typeof brokerName !== 'string') {
    throw wrong('brokerName', `${shown(brokerName)} is no text`)
  }
  if (queueId !== undefined && !(Number.isSafeInteger(queueId) && (queueId as number) >= 0)) {
    throw wrong('queueId', `${shown(queueId)} is no whole number from 0 on`)
  }
}

function wrong(option: string, problem: string): OptionError {
  return new OptionError({ option, problem })
}

/** Throws RMQ_OPTION when nobody can tell which of the queues goes where. `count` queues of this member are at the place. */
export function checkSought(count: number, place: QueuePlace, to: unknown): void {
  if (count === 0) {
    const problem = `this member has none of ${place.topic} at that place`
    const advice =
      'Wait until it has joined its group and look at consumer.queues; admin().groups.resetOffsets() moves a whole group.'
    throw new OptionError({ option: 'queueId', problem, advice })
  }
  if (typeof to !== 'number') return
  if (!Number.isSafeInteger(to) || to < 0) {
    throw wrong('to', `${shown(to)} is no whole number from 0 on`)
  }
  if (count > 1) throw wrong('to', `an offset is of one queue, and ${count} are at that place`)
}

/** Whether a queue is at a place, or a place within another. */
export function isAt(queue: QueuePlace, place: QueuePlace): boolean {
  return (
    queue.topic === place.topic &&
    (place.brokerName === undefined || queue.brokerName === place.brokerName) &&
    (place.queueId === undefined || queue.queueId === place.queueId)
  )
}

/** What is paused, whoever has the queues: the last that was said of a place counts. */
export class PausedPlaces {
  #said: { readonly place: QueuePlace; readonly isPaused: boolean }[] = []

  /** Says of a place whether it is paused, instead of all that was said of places within. */
  say(place: QueuePlace, isPaused: boolean): void {
    this.#said = this.#said.filter((each) => !isAt(each.place, place))
    this.#said.push({ place, isPaused })
    // Nothing is left that a resumption would be an exception from.
    if (this.#said.every((each) => !each.isPaused)) this.#said = []
  }

  /** Nothing is paused. */
  clear(): void {
    this.#said = []
  }

  /** Whether a queue is paused. */
  has(queue: MessageQueue): boolean {
    return this.#said.findLast(({ place }) => isAt(queue, place))?.isPaused === true
  }
}
