import type { CommitLog } from '../commitlog/commit-log.ts'
import { scanLog } from '../commitlog/scan-log.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { batchPartOf, type Dispatcher } from '../dispatch/dispatcher.ts'
import { dispatchOfRecord } from '../dispatch/reput.ts'
import type { MessageIndex } from '../index/message-index.ts'
import type { RecoveryPoint } from '../checkpoint/recovery-point.ts'

/** What is needed to make queues and index from the log again. */
export interface CacheSource {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly dispatcher: Dispatcher
  readonly delayLevels: readonly number[]
}

/**
 * After a failed sync of a queue file or an index file the host may have dropped what was written since the sync
 * before, and counts it as written: makes it anew from the log, from the recovery point on. The index follows by
 * itself. Throws the host's error; then it is to be called again.
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
