import assert from 'node:assert/strict'
import type { Delivery, History, Sent } from '../history.ts'

/** A member that an owner of the lock knows nothing of is shut out after this long, ms. */
const LOCK_MS = 60_000

/** A queue of an ordered group has one handler at a time: called when a handler begins. */
export class OneAtATime {
  readonly #running = new Map<string, Delivery>()
  overlapsExcused = 0

  /** `startedMs`: when the broker of the queue was started, which forgets its locks with its memory. */
  begun(delivery: Delivery, startedMs: number): void {
    const key = `${delivery.group} ${delivery.queue}`
    const before = this.#running.get(key)
    this.#running.set(key, delivery)
    if (before === undefined || before.endedMs !== undefined || !before.process.isAlive) return
    if (delivery.beganMs - startedMs < LOCK_MS) {
      this.overlapsExcused++
      return
    }
    const who = `${before.member} (since ${before.beganMs}) and ${delivery.member}`
    assert.fail(`${delivery.queue} is consumed by ${who} at once, at ${delivery.beganMs}`)
  }
}

/**
 * In a queue of an ordered group, nothing is begun before all that lies before it is done. Returns how many pairs of messages
 * were compared.
 */
export function checkOrderIsKept(
  history: History,
  group: string,
  isRetired: (sent: Sent) => boolean,
): number {
  const queues = new Map<string, { sent: Sent; offset: number; own: readonly Delivery[] }[]>()
  for (const sent of history.messages.values()) {
    if (sent.kind !== 'ordered') continue
    const all = sent.deliveries.filter((each) => each.group === group)
    // A message whose first send failed may lie in several places.
    for (const place of new Set(all.map(({ queue, offset }) => `${queue}/${offset}`))) {
      const own = all.filter(({ queue, offset }) => `${queue}/${offset}` === place)
      const { queue, offset } = own[0] as Delivery
      const list = queues.get(queue) ?? []
      queues.set(queue, list)
      list.push({ sent, offset, own })
    }
  }
  let compared = 0
  for (const [queue, list] of queues) {
    list.sort((a, b) => a.offset - b.offset)
    let doneMs = -Infinity
    let last = ''
    for (const { sent, offset, own } of list) {
      if (history.isReused(queue, offset) || isRetired(sent)) continue
      const beganMs = Math.min(...own.map((each) => each.beganMs))
      const isOrdered = beganMs >= doneMs
      assert.ok(isOrdered, `${sent.id} at ${offset} of ${queue} began before ${last} was done`)
      compared++
      const done = own.filter(({ isDone }) => isDone).map(({ endedMs }) => endedMs ?? Infinity)
      if (done.length === 0) continue
      doneMs = Math.max(doneMs, Math.min(...done))
      last = `${sent.id} at ${offset}`
    }
  }
  return compared
}
