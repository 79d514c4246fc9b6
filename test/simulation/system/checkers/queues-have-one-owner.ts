import assert from 'node:assert/strict'
import type { ConsumerProgram } from '../consumers.ts'
import { queueOf } from '../history.ts'
import { BROKERS, GROUPS, QUEUES } from '../topology.ts'

/** When nothing changes any more, each queue of a topic is read by one member of each group that wants it. */
export function checkQueuesHaveOneOwner(programs: readonly ConsumerProgram[]): number {
  let checked = 0
  for (const [group, { topics }] of Object.entries(GROUPS)) {
    const owners = new Map<string, string[]>()
    for (const program of programs) {
      const consumer = program.consumers.get(group)
      for (const { topic, brokerName, queueId } of consumer?.queues ?? []) {
        const queue = queueOf(brokerName, topic, queueId)
        owners.set(queue, [...(owners.get(queue) ?? []), consumer?.clientId ?? ''])
      }
    }
    for (const topic of topics) {
      for (const broker of Object.keys(BROKERS)) {
        for (let queueId = 0; queueId < QUEUES; queueId++) {
          const queue = queueOf(broker, topic, queueId)
          const own = owners.get(queue) ?? []
          assert.equal(own.length, 1, `${queue} is read for ${group} by [${own.join(', ')}]`)
          checked++
        }
      }
    }
  }
  return checked
}
