import type { CommitLog } from '../commitlog/commit-log.ts'
import { scanLog } from '../commitlog/scan-log.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { batchPartOf, type Dispatcher } from '../dispatch/dispatcher.ts'
import { dispatchOfRecord } from '../dispatch/reput.ts'
import type { MessageIndex } from '../index/message-index.ts'
import type { RecoveryPoint } from '../checkpoint/recovery-point.ts'

/** What rebuilding queues and index from the log needs. */
export interface CacheSource {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly dispatcher: Dispatcher
  readonly delayLevels: readonly number[]
}

/**
 * Rewrites queues and index from the log, starting at the recovery point: after a failed sync of one of their files
 * the host may have dropped pages that it counts as written. The index upkeep completes the index. Throws the host's
 * error; then it must be called again.
 */
export function writeCachesAgain(source: CacheSource, point: RecoveryPoint): void {
  const { log, queues, index, dispatcher, delayLevels } = source
  if (index !== undefined) {
    index.dropNewerThan(point)
    index.behindFrom = index.restore(point)
  }
  const options = { checkCrc: false, to: dispatcher.dispatchedEnd }
  scanLog(log.segments, point.physicalEnd, options, (buffer, at) => {
    const message = dispatchOfRecord(queues, buffer, at, delayLevels)
    if (message?.queue === undefined) return
    const { queue, queueOffset, physicalOffset, sizeBytes, tagsCode } = message
    const batch = batchPartOf(queue, message)
    queue.writeAgain(queue.placeOf(queueOffset), physicalOffset, sizeBytes, tagsCode, batch)
  })
}
