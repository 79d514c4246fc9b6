import { ifRoom } from '@skylarkmq/env'
import type { Disk, Env } from '@skylarkmq/env'
import { isLmqTopic } from '@skylarkmq/protocol'
import { readAbortFile } from '../checkpoint/abort-file.ts'
import { readCheckpoint } from '../checkpoint/checkpoint.ts'
import type { CheckpointValues } from '../checkpoint/checkpoint.ts'
import { CommitLog } from '../commitlog/commit-log.ts'
import { LogFlush } from '../commitlog/flush.ts'
import { LogWatches } from '../commitlog/log-watch.ts'
import { cutCaches, recover } from './recovery.ts'
import type { RecoveryParts } from './recovery.ts'
import { rewriteFromFiles } from './rewrite-log.ts'
import { SyncRescue } from './sync-rescue.ts'
import { unmarkUnsynced, unsyncedMark } from './unsynced-mark.ts'
import type { UnsyncedPart } from './unsynced-mark.ts'
import { makeDurableDirectory } from '../segment/durable-directory.ts'
import { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { BATCH_UNIT_BYTES } from '../consumequeue/batch-unit.ts'
import { UNIT_BYTES } from '../consumequeue/consume-queue-unit.ts'
import { QueueFiles } from '../consumequeue/queue-files.ts'
import type { QueueFolder } from '../consumequeue/queue-files.ts'
import { queueFileBytes } from './recover-queues.ts'
import { delaysOfLevels } from '../message/delay-levels.ts'
import { Dispatcher } from '../dispatch/dispatcher.ts'
import { segmentSizeKept } from '../events.ts'
import { IndexUpkeep } from './index-upkeep.ts'
import { MessageIndex } from '../index/message-index.ts'
import { hasLightQueues, type StoreConfig } from '../options.ts'
import { isPointOf } from '../checkpoint/recovery-point.ts'
import { loadSegments } from '../segment/load-segments.ts'
import type { ProvenLog } from '../segment/load-segments.ts'
import type { StorePaths } from '../segment/store-paths.ts'
import type { SegmentQueue } from '../segment/segment-queue.ts'
import { StoreStats } from '../store-stats.ts'
import { WriteHealth } from '../segment/write-health.ts'
import { filesOf } from '../segment/rewrite-segments.ts'

/** The parts of a store. */
export interface StoreParts {
  readonly paths: StorePaths
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly upkeep: IndexUpkeep | undefined
  readonly dispatcher: Dispatcher
  readonly flush: LogFlush
  readonly health: WriteHealth
  readonly stats: StoreStats
  readonly delayLevels: readonly number[]
  readonly checkpoint: CheckpointValues
  readonly rescue: SyncRescue
  /** The watches of the log. */
  readonly watches: LogWatches
}

/**
 * Opens the files of a store and recovers them. Throws the host's error, ERR_STORE_SEGMENT_SIZE or
 * ERR_STORE_SEGMENT_GAP. Apache: `DefaultMessageStore.java`, load.
 */
export function openParts(
  env: Env,
  config: StoreConfig,
  paths: StorePaths,
  clean: boolean,
  isBatchTopic: (topic: string) => boolean = () => false,
): StoreParts {
  makeDurableDirectory(env.disk, paths.commitLog)
  const checkpoint = readCheckpoint(env.disk, paths.checkpoint)
  const abortedProcess = clean ? undefined : (readAbortFile(env.disk, paths.abort) ?? -1)
  const segments = loadSegments(
    env,
    paths.commitLog,
    config.mappedFileSizeCommitLog,
    clean ? undefined : provenLog(checkpoint, abortedProcess),
  )
  const unsynced = unsyncedMark(env.disk, paths.root)
  if (unsynced !== undefined && writeAgain(segments, unsynced)) {
    unmarkUnsynced(env.disk, paths.root)
  }
  const log = newLog(env, config, segments)
  const queues = newQueues(env, config, paths, { isBatchTopic, isClean: clean })
  const index = config.messageIndexEnable ? newIndex(env, config, paths) : undefined
  const health = new WriteHealth(env)
  const failed = (_physicalOffset: number, error: unknown): void => {
    upkeep?.failed(error)
  }
  const watches = new LogWatches()
  // Existing light queues are kept complete, whatever the options say now.
  const isLight = hasLightQueues(config) || hasLightFolder(env.disk, paths.consumeQueue)
  const dispatcher = new Dispatcher(queues, index, failed, { watches, hasLightQueues: isLight })
  const delayLevels = delaysOfLevels(config.messageDelayLevel)
  const upkeep =
    index === undefined
      ? undefined
      : new IndexUpkeep(env, index, { log, queues, dispatcher, delayLevels })
  if (index !== undefined) index.fullTimestamp = checkpoint.indexMsgTimestamp
  const recovered = {
    log,
    queues,
    index,
    upkeep,
    dispatcher,
    checkpoint,
    abortedProcess,
    checkCrc: config.checkCRCOnRecover,
    indexSafe: config.messageIndexSafe,
    delayLevels,
    queuesFailed: (error: unknown) => {
      health.failed('the consume queues', error)
    },
    root: paths.root,
    checkpointPath: paths.checkpoint,
  }
  recover(env, recovered)
  const rescue = newRescue(env, recovered, health, watches)
  const flush: LogFlush = new LogFlush(env, log, {
    flushed: (offset) => {
      dispatcher.dispatchTo(offset)
    },
    failed: (offset, error) => {
      rescue.begin(flush, offset, error)
    },
  })
  const made = { paths, log, queues, index, upkeep, dispatcher, flush, health }
  return { ...made, stats: new StoreStats(env), delayLevels, checkpoint, rescue, watches }
}

/**
 * Rewrites and syncs the part of the log that may not be on disk; false when the disk has no room. Throws the host's
 * error.
 */
function writeAgain(segments: SegmentQueue, { offset, end }: UnsyncedPart): boolean {
  return ifRoom(() => {
    const from = Math.max(offset, segments.firstOffset)
    const to = Math.min(end, segments.endOffset)
    rewriteFromFiles(segments, from, to)
    for (const { file } of filesOf(segments, from, to)) file.syncNow()
  })
}

function newLog(env: Env, config: StoreConfig, segments: SegmentQueue): CommitLog {
  const memory = { tailBytes: config.logTailMemoryBytes, cacheBytes: config.readCacheMemoryBytes }
  return new CommitLog(segments, memory, (f) => {
    env.turn.sends(f)
  })
}

/**
 * How much of the log is certainly on disk, by the checkpoint; its recovery point counts only if the broker that
 * stopped last wrote it.
 */
function provenLog(
  { point, physicMsgTimestamp }: CheckpointValues,
  abortedProcess: number | undefined,
): ProvenLog {
  const isLast =
    point !== undefined && abortedProcess !== undefined && isPointOf(point, abortedProcess)
  return { physicalEnd: isLast ? point.physicalEnd : undefined, timestamp: physicMsgTimestamp }
}

function newRescue(
  env: Env,
  parts: RecoveryParts,
  health: WriteHealth,
  watches: LogWatches,
): SyncRescue {
  const { log, queues, dispatcher, root } = parts
  const cut = (offset: number): void => {
    dispatcher.dropFrom(offset)
    log.truncate(offset)
    cutCaches(env, parts)
    if (dispatcher.dispatchedEnd > offset) {
      dispatcher.dispatchedEnd = offset
      dispatcher.dispatchedRecord = queues.lastRecord() ?? -1
    }
    watches.cut(offset)
  }
  return new SyncRescue(env, { log, health, root, cut })
}

/** What finding the queues needs. */
interface QueueFinding {
  readonly isBatchTopic: (topic: string) => boolean
  /** Whether the last stop was clean. */
  readonly isClean: boolean
}

function newQueues(
  env: Env,
  config: StoreConfig,
  paths: StorePaths,
  { isBatchTopic, isClean }: QueueFinding,
): ConsumeQueueTable {
  env.disk.makeDirectory(paths.consumeQueue)
  const shared = { unitBytes: UNIT_BYTES, openFilesMax: config.maxOpenQueueFiles }
  const configured = { ...shared, fileBytes: config.mappedFileSizeConsumeQueue }
  const ofBatches = {
    fileBytes: config.mapperFileSizeBatchConsumeQueue,
    unitBytes: BATCH_UNIT_BYTES,
  }
  const files = queueFiles(env, { directory: paths.consumeQueue, ...configured }, isClean)
  const batches = { directory: paths.batchConsumeQueue, ...shared, ...ofBatches }
  const batchFiles = queueFiles(env, batches, isClean, files)
  return new ConsumeQueueTable(env, files, { files: batchFiles, isBatchTopic })
}

/** The files of queues, with the size of existing ones. */
function queueFiles(
  env: Env,
  options: QueueFolder & { readonly unitBytes: number; readonly openFilesMax: number },
  isClean: boolean,
  beside?: QueueFiles,
): QueueFiles {
  const { directory, unitBytes } = options
  const configuredBytes = Math.ceil(options.fileBytes / unitBytes) * unitBytes
  const fileBytes = queueFileBytes(env.disk, directory, configuredBytes, isClean) ?? configuredBytes
  if (fileBytes !== configuredBytes) {
    env.events.emit(segmentSizeKept, { directory, sizeBytes: fileBytes, configuredBytes })
  }
  return new QueueFiles(env, { ...options, fileBytes }, beside)
}

function newIndex(env: Env, config: StoreConfig, paths: StorePaths): MessageIndex {
  const sizes = { slots: config.maxHashSlotNum, entries: config.maxIndexNum }
  return new MessageIndex(env, paths.index, sizes)
}

function hasLightFolder(disk: Disk, directory: string): boolean {
  return disk.list(directory).some(({ name }) => isLmqTopic(name))
}
