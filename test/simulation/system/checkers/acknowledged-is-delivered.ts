import assert from 'node:assert/strict'
import type { History, Sent } from '../history.ts'
import type { InQueue } from './where-it-lies.ts'
import { TOPICS, type TopicName } from '../topology.ts'

/** What became of messages that were not delivered, and need not be. */
export interface Excused {
  lost: number
  reused: number
  retired: number
  discarded: number
}

/**
 * What was acknowledged comes to every group that wants it, unless it was lost in a way that its acknowledgement allows.
 * `isRetired` says whether a broker has deleted a message because it was old. `lies`: where messages lie now; a group that had come
 * beyond that place, before a power cut took what it had seen there, goes on behind it.
 */
export function checkAcknowledgedIsDelivered(
  history: History,
  isRetired: (sent: Sent) => boolean,
  lies: ReadonlyMap<string, readonly InQueue[]>,
): Excused {
  const excused: Excused = { lost: 0, reused: 0, retired: 0, discarded: 0 }
  for (const sent of history.messages.values()) {
    if (sent.ackedMs === undefined || !isWanted(sent)) continue
    for (const group of TOPICS[sent.topic as TopicName].groups) {
      const own = sent.deliveries.filter((each) => each.group === group)
      if (own.some(({ isDone }) => isDone)) continue
      const places = lies.get(sent.id) ?? []
      const isReused = places.some(({ queue, offset }) => history.isReused(queue, offset))
      if (sent.mayBeLost === true) excused.lost++
      else if (isReused) excused.reused++
      else if (isRetired(sent)) excused.retired++
      else if (history.isDiscarded(sent)) excused.discarded++
      else {
        const where: string = JSON.stringify({
          ...sent.place,
          places,
          acked: sent.ackedMs,
          begun: own.length,
        })
        assert.fail(`${sent.id} was acknowledged and ${group} never got it: ${where}`)
      }
    }
  }
  return excused
}

/**
 * Where nothing was cut or killed and nobody came or went, each group gets what lies in a queue once. A message whose sender
 * got no answer in time, because a disk thought for long, lies in two places. The queues of a retry topic are shared out anew
 * when its second broker gets it, and what was not committed by then comes again.
 */
export function checkOnlyOnce(history: History): void {
  for (const sent of history.messages.values()) {
    const seen = new Set<string>()
    for (const { group, queue, offset, isDone } of sent.deliveries) {
      if (queue.includes('%RETRY%')) continue
      const place = `${group} ${queue} at ${offset}`
      assert.ok(!seen.has(place), `${place}: ${sent.id} came again`)
      if (isDone) seen.add(place)
    }
  }
}

function isWanted(sent: Sent): boolean {
  if (sent.kind === 'transaction') return sent.decision === 'commit'
  return sent.isRecalled !== true
}
