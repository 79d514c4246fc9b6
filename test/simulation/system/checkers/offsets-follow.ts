import assert from 'node:assert/strict'
import type { BrokerContext } from '@skylarkmq/broker'
import { queueOf, type History } from '../history.ts'
import { everyQueue, GROUPS, TOPICS, type TopicName } from '../topology.ts'

/** Offsets reach the disk within this time, ms, when it works. */
const SAVED_MS = 20_000

interface Sample {
  readonly ms: number
  readonly offsets: ReadonlyMap<string, number>
}

/**
 * How far groups have come: never beyond what they have handled, nor beyond the end of the queue; and after a death not
 * further back than what was to be saved long before.
 */
export class OffsetsFollow {
  samples = 0
  backward = 0
  readonly #history: History
  readonly #samples = new Map<string, Sample[]>()

  constructor(history: History) {
    this.#history = history
  }

  /** A broker has opened its files, and nobody has said anything to it yet. */
  opened(broker: string, context: BrokerContext, bound: number | undefined): void {
    const now = committedIn(broker, context)
    for (const { topic, queueId } of everyQueue()) {
      const queue = queueOf(broker, topic, queueId)
      for (const group of Object.keys(GROUPS)) {
        const offset = now.get(`${group} ${queue}`)
        const max = context.store.offsetMax(topic, queueId)
        const isWithin = offset === undefined || offset <= max
        assert.ok(isWithin, `${group} stands at ${offset} of ${queue}, which ends at ${max}`)
      }
    }
    const before = this.#samples.get(broker)?.findLast(({ ms }) => ms <= (bound ?? -Infinity))
    for (const [key, offset] of before?.offsets ?? []) {
      const [, ...queue] = key.split(' ')
      if (this.#history.isReused(queue.join(' '), offset - 1)) continue
      const isKept = (now.get(key) ?? 0) >= offset
      assert.ok(isKept, `${key} was at ${offset} long before the end, and is at ${now.get(key)}`)
    }
    this.#samples.delete(broker)
  }

  /** Looks at a broker that runs. `isCalm`: nothing can have set an offset back. */
  sample(ms: number, broker: string, context: BrokerContext, isCalm: boolean): void {
    this.samples++
    const offsets = committedIn(broker, context)
    const list = this.#samples.get(broker) ?? []
    this.#samples.set(broker, list)
    const last = list.at(-1)?.offsets
    for (const [key, offset] of last ?? []) {
      if ((offsets.get(key) ?? 0) >= offset) continue
      this.backward++
      assert.ok(!isCalm, `${key} went back from ${offset} to ${offsets.get(key)}`)
    }
    list.push({ ms, offsets })
    if (list.length > 30) list.shift()
    this.#notAhead(broker, offsets, context)
  }

  #notAhead(broker: string, offsets: ReadonlyMap<string, number>, { store }: BrokerContext): void {
    for (const sent of this.#history.messages.values()) {
      const { place } = sent
      const isPlain = sent.kind === 'plain' || sent.kind === 'ordered'
      if (!isPlain || place?.broker !== broker || sent.mayBeLost === true) continue
      // Retention has taken it.
      if (place.physicalOffset < store.commitLogOffsetMin) continue
      for (const group of TOPICS[sent.topic as TopicName].groups) {
        if ((offsets.get(`${group} ${place.queue}`) ?? 0) <= place.offset) continue
        const own = sent.deliveries.filter((each) => each.group === group)
        if (own.some(({ endedMs }) => endedMs !== undefined)) continue
        if (this.#history.isReused(place.queue, place.offset)) continue
        const where: string = `${place.offset} of ${place.queue}`
        assert.fail(`${group} has committed more than ${where}, and was never done with ${sent.id}`)
      }
    }
  }

  /** The last time of which offsets have to be there after a death at `deathMs`, with a disk that worked since then. */
  static boundOf(deathMs: number): number {
    return deathMs - SAVED_MS
  }
}

function committedIn(broker: string, { offsets }: BrokerContext): Map<string, number> {
  const all = new Map<string, number>()
  for (const { topic, queueId } of everyQueue()) {
    for (const group of Object.keys(GROUPS)) {
      const offset = offsets.committed(group, topic, queueId)
      if (offset !== undefined) all.set(`${group} ${queueOf(broker, topic, queueId)}`, offset)
    }
  }
  return all
}
