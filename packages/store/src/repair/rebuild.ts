import type { Disk, Env } from '@skylarkmq/env'
import { isLmqTopic } from '@skylarkmq/protocol'
import { walkLog } from '../check/log-walk.ts'
import { QueueCursor } from '../check/queue-cursor.ts'
import { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { QueueFiles } from '../consumequeue/queue-files.ts'
import { queueFileBytes } from '../consumequeue/recover-queues.ts'
import { delaysOfLevels } from '../dispatch/delay-levels.ts'
import { Dispatcher } from '../dispatch/dispatcher.ts'
import { dispatchOfRecord } from '../dispatch/reput.ts'
import { MessageIndex } from '../index/message-index.ts'
import type { StoreConfig } from '../options.ts'
import { OpenFiles } from '../segment/open-files.ts'
import { listSegments } from '../segment/segment-queue.ts'
import { syncPath } from '../segment/sync-path.ts'
import { storePaths } from '../store-paths.ts'

const WRITE_EVERY_RECORDS = 20_000
const OPEN_FILES_MAX = 64

/** What is made anew, and where. */
export interface RebuildTask {
  /** Undefined when the queues stay as they are. */
  readonly consumeQueue: string | undefined
  /** Undefined when the index stays as it is. */
  readonly index: string | undefined
  /** Topics of topics.json; undefined when there is none. */
  readonly topics: ReadonlySet<string> | undefined
  readonly reached?: (offset: number) => void
}

/** What a rebuilding made. */
export interface Rebuilt {
  /** Store time of the newest message, ms. */
  readonly newestTimestamp: number
  /** Store time of the newest message in an index file that is full, ms. */
  readonly indexFullTimestamp: number
  readonly lastRecord: number
}

/**
 * Makes queues and index from the sound records of the log, in folders of their own, and brings them to disk. A
 * queue all of whose messages expired keeps its numbering. Rejects with the host's error.
 */
export async function rebuild(env: Env, config: StoreConfig, task: RebuildTask): Promise<Rebuilt> {
  const { disk } = env
  const paths = storePaths(config)
  const configuredBytes = config.mappedFileSizeConsumeQueue
  const fileBytes = queueFileBytes(disk, paths.consumeQueue, configuredBytes) ?? configuredBytes
  // Without a folder for them they are made in memory and never written.
  const directory = task.consumeQueue ?? ''
  const files = new QueueFiles(env, { directory, fileBytes, openFilesMax: OPEN_FILES_MAX })
  const queues = new ConsumeQueueTable(env, files)
  const sizes = { slots: config.maxHashSlotNum, entries: config.maxIndexNum }
  const index = task.index === undefined ? undefined : new MessageIndex(env, task.index, sizes)
  const dispatcher = new Dispatcher(queues, index, (_offset, error) => {
    throw error
  })
  const segments = listSegments(disk, paths.commitLog).filter((file) => file.sizeBytes > 0)
  const levels = delaysOfLevels(config.messageDelayLevel)
  const isDeleted = deletedTopics(disk, paths.consumeQueue, task.topics)
  const writesQueues = task.consumeQueue !== undefined
  let records = 0
  const logMin = segments[0]?.firstOffset ?? 0
  const end = walkLog(disk, paths.commitLog, segments, logMin, {
    record: (buffer, at) => {
      const message = dispatchOfRecord(queues, buffer, at, levels)
      if (message === undefined) return
      const isQueued = writesQueues && !isDeleted(message.topic)
      dispatcher.dispatch(isQueued ? message : { ...message, queue: undefined })
      if (++records % WRITE_EVERY_RECORDS !== 0) return
      queues.write(Infinity)
      queues.forgetIdle()
      index?.write()
    },
    ...(task.reached === undefined ? {} : { reached: task.reached }),
  })
  if (writesQueues) {
    disk.makeDirectory(directory)
    keepNumbering(disk, paths.consumeQueue, queues, logMin)
    queues.write(Infinity)
    keepLmqQueues(disk, paths.consumeQueue, directory)
  }
  index?.write()
  if (task.index !== undefined) disk.makeDirectory(task.index)
  const newest = [...files.unsynced, ...(index?.files ?? []).map((file) => file.path)]
  files.closeAll()
  index?.close()
  for (const path of newest) await syncPath(disk, path)
  for (const each of files.unsyncedDirectories) await disk.syncDirectory(each)
  if (task.index !== undefined) await disk.syncDirectory(task.index)
  return {
    newestTimestamp: dispatcher.dispatchedTimestamp,
    indexFullTimestamp: index?.fullTimestamp ?? 0,
    lastRecord: end.lastRecord,
  }
}

/** Topics of which neither topics.json nor a queue knows were deleted: their messages stay in the log alone. */
function deletedTopics(
  disk: Disk,
  directory: string,
  topics: ReadonlySet<string> | undefined,
): (topic: string) => boolean {
  const queued = new Set(disk.list(directory).map((entry) => entry.name))
  if (topics === undefined || queued.size === 0) return () => false
  return (topic) => !topics.has(topic) && !queued.has(topic)
}

/** Queues whose messages all expired get the last unit that they had: so their numbers go on. */
function keepNumbering(
  disk: Disk,
  directory: string,
  queues: ConsumeQueueTable,
  logMin: number,
): void {
  const open = new OpenFiles(disk, OPEN_FILES_MAX, 'read')
  for (const topic of disk.list(directory)) {
    if (!topic.isDirectory || isLmqTopic(topic.name)) continue
    for (const { name, isDirectory } of disk.list(`${directory}/${topic.name}`)) {
      if (!isDirectory || !/^\d{1,10}$/.test(name)) continue
      const known = queues.get(topic.name, Number(name))
      if (known !== undefined && known.offsetMax > 0) continue
      const last = lastExpired(disk, open, directory, topic.name, Number(name), logMin)
      if (last === undefined) continue
      const queue = queues.getOrCreate(topic.name, Number(name))
      queue.fillTo(last.offset)
      queue.append(last.physicalOffset, last.sizeBytes, last.tagsCode)
      queues.touched(queue)
    }
  }
  open.closeAll()
}

const ignored = (): void => {
  // Who made the report has said what is wrong with the old queues.
}

function lastExpired(
  disk: Disk,
  open: OpenFiles,
  directory: string,
  topic: string,
  queueId: number,
  logMin: number,
): QueueCursor['unit'] {
  const cursor = new QueueCursor(disk, open, directory, topic, queueId, ignored)
  let last: QueueCursor['unit']
  while (cursor.unit !== undefined) {
    if (!cursor.unit.isFiller && cursor.unit.physicalOffset < logMin) last = cursor.unit
    cursor.next()
  }
  return last
}

/** Light message queues are not made anew: they are taken over as they are. */
function keepLmqQueues(disk: Disk, from: string, to: string): void {
  for (const { name, isDirectory } of disk.list(from)) {
    if (isDirectory && isLmqTopic(name)) copyTree(disk, `${from}/${name}`, `${to}/${name}`)
  }
}

function copyTree(disk: Disk, from: string, to: string): void {
  disk.makeDirectory(to)
  for (const { name, isDirectory } of disk.list(from)) {
    if (isDirectory) copyTree(disk, `${from}/${name}`, `${to}/${name}`)
    else disk.writeFile(`${to}/${name}`, disk.readFile(`${from}/${name}`) ?? Buffer.alloc(0))
  }
}
