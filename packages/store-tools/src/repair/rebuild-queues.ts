import type { Disk, Env } from '@skylarkmq/env'
import { isLmqTopic } from '@skylarkmq/protocol'
import type { StoreConfig } from '@skylarkmq/store'
import {
  BATCH_UNIT_BYTES,
  ConsumeQueueTable,
  OpenFiles,
  QueueFiles,
  abortFileExists,
  queueFileBytes,
} from '@skylarkmq/store/internals'
import type { StorePaths } from '@skylarkmq/store/internals'
import { QueueCursor } from '../check/queue-cursor.ts'

const OPEN_FILES_MAX = 64

/** Folders in which queues are rebuilt. */
export interface NewQueueFolders {
  readonly consumeQueue: string
  readonly batchConsumeQueue: string
}

/** Queues that are being rebuilt beside the existing ones. */
export class NewQueues {
  readonly table: ConsumeQueueTable
  /** Whether a folder has light message queues. */
  readonly hasLight: boolean
  readonly #disk: Disk
  readonly #paths: StorePaths
  readonly #folders: NewQueueFolders

  /**
   * `isBatchTopic` says which topics get queues of batches; other topics get them if they had them. Throws the host's
   * error.
   */
  constructor(
    env: Env,
    config: StoreConfig,
    paths: StorePaths,
    folders: NewQueueFolders,
    isBatchTopic: (topic: string) => boolean,
  ) {
    this.#disk = env.disk
    this.#paths = paths
    this.#folders = folders
    const isClean = !abortFileExists(env.disk, paths.abort)
    const plainBytes = config.mappedFileSizeConsumeQueue
    const batchBytes = config.mapperFileSizeBatchConsumeQueue
    const files = new QueueFiles(env, {
      directory: folders.consumeQueue,
      fileBytes: queueFileBytes(env.disk, paths.consumeQueue, plainBytes, isClean) ?? plainBytes,
      openFilesMax: OPEN_FILES_MAX,
    })
    const batchFiles = new QueueFiles(
      env,
      {
        directory: folders.batchConsumeQueue,
        fileBytes:
          queueFileBytes(env.disk, paths.batchConsumeQueue, batchBytes, isClean) ?? batchBytes,
        unitBytes: BATCH_UNIT_BYTES,
        openFilesMax: OPEN_FILES_MAX,
      },
      files,
    )
    const { consumeQueue, batchConsumeQueue } = paths
    const has = (directory: string, topic: string): boolean =>
      env.disk.stat(`${directory}/${topic}`) !== undefined
    const isBatch = (topic: string): boolean =>
      isBatchTopic(topic) || (has(batchConsumeQueue, topic) && !has(consumeQueue, topic))
    this.table = new ConsumeQueueTable(env, files, { files: batchFiles, isBatchTopic: isBatch })
    this.hasLight = env.disk.list(consumeQueue).some(({ name }) => isLmqTopic(name))
  }

  /** Writes what is in memory, and the last unit of queues whose messages all expired. Throws the host's error. */
  finish(logMin: number): void {
    const { consumeQueue, batchConsumeQueue } = this.#paths
    this.#disk.makeDirectory(this.#folders.consumeQueue)
    this.#keepNumbering(consumeQueue, logMin, false)
    this.#keepNumbering(batchConsumeQueue, logMin, true)
    this.table.write(Infinity)
  }

  /** Gives queues whose messages all expired their last unit, so that the numbering continues. */
  #keepNumbering(directory: string, logMin: number, isBatch: boolean): void {
    const open = new OpenFiles(this.#disk, OPEN_FILES_MAX, 'read')
    for (const topic of this.#disk.list(directory)) {
      if (!topic.isDirectory) continue
      for (const { name, isDirectory } of this.#disk.list(`${directory}/${topic.name}`)) {
        if (!isDirectory || !/^\d{1,10}$/.test(name)) continue
        const queueId = Number(name)
        const known = this.table.get(topic.name, queueId)
        if (known !== undefined && known.placeEnd > 0) continue
        const [at, id] = [topic.name, queueId] as const
        const cursor = new QueueCursor(this.#disk, open, directory, at, id, ignored, isBatch)
        const last = lastExpired(cursor, logMin)
        if (last !== undefined) this.#append(topic.name, queueId, isBatch, last)
      }
    }
    open.closeAll()
  }

  #append(
    topic: string,
    queueId: number,
    isBatch: boolean,
    last: NonNullable<QueueCursor['unit']>,
  ): void {
    const queue = this.table.getOrCreate(topic, queueId)
    const { offset, count, physicalOffset, sizeBytes, tagsCode } = last
    queue.fillTo(offset)
    const batch = { storeTimestamp: last.storeTimestamp, baseOffset: offset, count }
    queue.append(physicalOffset, sizeBytes, tagsCode, isBatch ? batch : undefined)
    this.table.touched(queue)
  }
}

const ignored = (): void => {
  // The report already states what is wrong with the old queues.
}

function lastExpired(cursor: QueueCursor, logMin: number): QueueCursor['unit'] {
  let last: QueueCursor['unit']
  while (cursor.unit !== undefined) {
    if (!cursor.unit.isFiller && cursor.unit.physicalOffset < logMin) last = cursor.unit
    cursor.next()
  }
  return last
}
