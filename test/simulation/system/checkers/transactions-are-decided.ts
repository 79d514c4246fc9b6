import assert from 'node:assert/strict'
import type { BrokerContext } from '@skylarkmq/broker'
import { SystemTopic } from '@skylarkmq/protocol'
import type { Delivery, History, Sent } from '../history.ts'

/** A message of a transaction comes only if the transaction was committed. */
export function checkCommitted({ id, kind, decision }: Sent, { group }: Delivery): void {
  if (kind !== 'transaction') return
  assert.equal(decision, 'commit', `${group} gets ${id}`)
}

/**
 * A transaction is committed once, however often its end is told. `isForgiven`: where a broker forgot what it had
 * acknowledged, it may do it again.
 */
export function checkCommittedOnce(
  history: History,
  isForgiven: (broker: string) => boolean,
): void {
  for (const { id, kind, deliveries } of history.messages.values()) {
    if (kind !== 'transaction') continue
    const first = deliveries.filter(({ queue }) => !queue.includes('%RETRY%'))
    const places = new Set(first.map(({ queue, offset }) => `${queue}/${offset}`))
    if (places.size <= 1) continue
    const isExcused = first.every(
      ({ queue, offset }) =>
        isForgiven(queue.split(' ')[0] ?? '') || history.isReused(queue, offset),
    )
    // Two sends of one message, of which the first got no answer, are two transactions.
    const halves = new Set(first.map(({ queue, bornMs }) => `${queue} ${bornMs}`))
    if (isExcused || halves.size > 1) continue
    assert.fail(`${id} was committed ${places.size} times: ${[...places].join(', ')}`)
  }
}

/** Nothing is left undecided. */
export function checkNoHalfIsLeft(broker: string, { store, offsets }: BrokerContext): void {
  const halves = store.offsetMax(SystemTopic.TRANS_HALF, 0)
  const ended = offsets.committed('CID_RMQ_SYS_TRANS', SystemTopic.TRANS_HALF, 0) ?? 0
  assert.equal(ended, halves, `all half messages of ${broker} are behind`)
}
