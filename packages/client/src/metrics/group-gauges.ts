import type { ProcessQueue } from '../consumer/process-queue.ts'
import type { GroupGauges, TopicGauges } from './client-metrics.ts'

/** What a member of a group has now. */
export function groupGauges(running: number, queues: readonly ProcessQueue[]): GroupGauges {
  const topics = new Map<string, TopicGauges>()
  for (const each of queues) {
    const { topic } = each.queue
    const sum = topics.get(topic) ?? { waiting: 0, waitingBytes: 0, lag: 0 }
    sum.waiting += each.count
    sum.waitingBytes += each.bytes
    const end = each.endOffset ?? 0
    sum.lag += Math.max(0, end - (each.commitOffset ?? each.nextOffset))
    topics.set(topic, sum)
  }
  return { running, topics }
}
