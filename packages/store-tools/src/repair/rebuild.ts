import type { Disk, Env } from '@skylarkmq/env'
import { delaysOfLevels, storePaths } from '@skylarkmq/store'
import type { StoreConfig } from '@skylarkmq/store'
import {
  Dispatcher,
  MessageIndex,
  dispatchOfRecord,
  listSegments,
  syncPath,
} from '@skylarkmq/store/internals'
import type { StorePaths } from '@skylarkmq/store/internals'
import type { ConfigTables } from '../check/config-check.ts'
import { walkLog } from '../check/log-walk.ts'
import { NewQueues, type NewQueueFolders } from './rebuild-queues.ts'

const WRITE_EVERY_RECORDS = 20_000

/** What to rebuild, and where. */
export interface RebuildTask {
  /** Undefined to keep the queues. */
  readonly queues: NewQueueFolders | undefined
  /** Undefined to keep the index. */
  readonly index: string | undefined
  readonly tables: Pick<ConfigTables, 'topics' | 'batchTopics'>
  readonly reached?: (offset: number) => void
}

/** The result of a rebuild. */
export interface Rebuilt {
  /** Store time of the newest message, ms. */
  readonly newestTimestamp: number
  /** Store time of the newest message in a full index file, ms. */
  readonly indexFullTimestamp: number
  readonly lastRecord: number
}

/**
 * Builds queues and index from the intact records of the log, in separate folders, and syncs them. A queue whose
 * messages all expired keeps its numbering. Rejects with the host's error.
 */
export async function rebuild(env: Env, config: StoreConfig, task: RebuildTask): Promise<Rebuilt> {
  const { disk } = env
  const paths = storePaths(config)
  // Without folders they are built in memory and never written.
  const folders = task.queues ?? { consumeQueue: '', batchConsumeQueue: '' }
  const made = new NewQueues(env, config, paths, folders, (topic) =>
    task.tables.batchTopics.has(topic),
  )
  const queues = made.table
  const sizes = { slots: config.maxHashSlotNum, entries: config.maxIndexNum }
  const index = task.index === undefined ? undefined : new MessageIndex(env, task.index, sizes)
  const failed = (_offset: number, error: unknown): void => {
    throw error
  }
  const writesQueues = task.queues !== undefined
  const dispatcher = new Dispatcher(queues, index, failed, {
    hasLightQueues: writesQueues && made.hasLight,
  })
  const segments = listSegments(disk, paths.commitLog).filter((file) => file.sizeBytes > 0)
  const levels = delaysOfLevels(config.messageDelayLevel)
  const isDeleted = deletedTopics(disk, paths, task.tables.topics)
  let records = 0
  const logMin = segments[0]?.firstOffset ?? 0
  const end = walkLog(disk, paths.commitLog, segments, logMin, {
    record: (buffer, at) => {
      const message = dispatchOfRecord(queues, buffer, at, levels)
      if (message === undefined) return
      const isQueued = writesQueues && !isDeleted(message.topic)
      dispatcher.dispatch(message, isQueued)
      if (++records % WRITE_EVERY_RECORDS !== 0) return
      queues.write(Infinity)
      queues.forgetIdle()
      index?.write()
    },
    ...(task.reached === undefined ? {} : { reached: task.reached }),
  })
  if (writesQueues) made.finish(logMin)
  index?.write()
  if (task.index !== undefined) disk.makeDirectory(task.index)
  const newest = [...queues.files.unsynced, ...(index?.files ?? []).map((file) => file.path)]
  queues.files.closeAll()
  index?.close()
  for (const path of newest) await syncPath(disk, path)
  for (const each of queues.files.unsyncedDirectories) await disk.syncDirectory(each)
  if (task.index !== undefined) await disk.syncDirectory(task.index)
  return {
    newestTimestamp: dispatcher.dispatchedTimestamp,
    indexFullTimestamp: index?.fullTimestamp ?? 0,
    lastRecord: end.lastRecord,
  }
}

/** Topics that appear neither in topics.json nor in a queue were deleted: their messages remain in the log only. */
function deletedTopics(
  disk: Disk,
  { consumeQueue, batchConsumeQueue }: StorePaths,
  topics: ReadonlySet<string> | undefined,
): (topic: string) => boolean {
  const found = [...disk.list(consumeQueue), ...disk.list(batchConsumeQueue)]
  const queued = new Set(found.map((entry) => entry.name))
  if (topics === undefined || queued.size === 0) return () => false
  return (topic) => !topics.has(topic) && !queued.has(topic)
}
