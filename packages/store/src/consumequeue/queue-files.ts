import { directoryOf } from '@skylarkmq/env'
import type { Env } from '@skylarkmq/env'
import { OpenFiles } from '../segment/open-files.ts'
import { insideOf, type InsidePath } from '../segment/inside-path.ts'
import { segmentName } from '../segment/segment-file.ts'
import { UNIT_BYTES } from './consume-queue-unit.ts'
import { TailBudget } from './tail-budget.ts'

const SCRATCH_UNITS = 1024
const QUEUE_FOLDER = /^\d{1,10}$/
const SEGMENT = /^\d{20}$/

/** State shared by the files of all queues, whatever their format. */
interface SharedState {
  readonly unsynced: Set<string>
  readonly unsyncedDirectories: Set<string>
  readonly tails: TailBudget
  readonly noted: Set<string>
  readonly open: OpenFiles
  hasWriteFailed: boolean
  areNamesAtRisk: boolean
}

/** The folder of queues of one format. */
export interface QueueFolder {
  readonly directory: string
  readonly fileBytes: number
  /** 20 by default. */
  readonly unitBytes?: number
}

/**
 * Locates, reads and writes the files of all consume queues of one format, with few of them open at once. The file of
 * units from `firstUnit` on is `<topic>/<queueId>/<firstUnit * unitBytes>`.
 */
export class QueueFiles {
  readonly directory: string
  /** Length of a unit. */
  readonly unitBytes: number
  /** Units in one file. */
  readonly unitsPerFile: number
  /** Buffer for reads; valid until the next one. */
  readonly scratch: Buffer
  readonly env: Env
  /** Called before a queue's file is created: files of a deleted queue of the same name may still exist. */
  makeWay: ((topic: string, queueId: number) => void) | undefined
  readonly #shared: SharedState

  /** `beside`: the files of the other format, which are synced together with these. */
  constructor(
    env: Env,
    config: QueueFolder & { readonly openFilesMax: number },
    beside?: QueueFiles,
  ) {
    this.env = env
    this.directory = config.directory
    this.unitBytes = config.unitBytes ?? UNIT_BYTES
    this.unitsPerFile = Math.ceil(config.fileBytes / this.unitBytes)
    this.scratch = Buffer.alloc(SCRATCH_UNITS * this.unitBytes)
    this.#shared = beside === undefined ? newState(env, config.openFilesMax) : beside.#shared
  }

  /** Paths written since the last thorough flush. */
  get unsynced(): Set<string> {
    return this.#shared.unsynced
  }

  /** Directories with new names since then. */
  get unsyncedDirectories(): Set<string> {
    return this.#shared.unsyncedDirectories
  }

  /** The memory budget of the queues. */
  get tails(): TailBudget {
    return this.#shared.tails
  }

  /** Set when a queue failed to write units beyond its memory budget; it keeps them in memory. */
  get hasWriteFailed(): boolean {
    return this.#shared.hasWriteFailed
  }

  set hasWriteFailed(value: boolean) {
    this.#shared.hasWriteFailed = value
  }

  /** Set after a crash: the previous process may have created files without syncing their names. */
  get areNamesAtRisk(): boolean {
    return this.#shared.areNamesAtRisk
  }

  set areNamesAtRisk(value: boolean) {
    this.#shared.areNamesAtRisk = value
  }

  topicDirectory(topic: string): InsidePath {
    return insideOf(this.directory, topic)
  }

  queueDirectory(topic: string, queueId: number): InsidePath {
    return insideOf(this.directory, topic, String(queueId))
  }

  path(topic: string, queueId: number, firstUnit: number): InsidePath {
    const name = segmentName(firstUnit * this.unitBytes)
    return insideOf(this.directory, topic, String(queueId), name)
  }

  /** Creates a file of a queue. Throws the host's error. */
  create(topic: string, queueId: number, firstUnit: number): void {
    this.makeWay?.(topic, queueId)
    // Stores without queues of a format have no folder for them.
    const isFirst = this.env.disk.stat(this.directory) === undefined
    this.env.disk.makeDirectory(this.queueDirectory(topic, queueId))
    const path = this.path(topic, queueId, firstUnit)
    this.#shared.open.create(path, this.unitsPerFile * this.unitBytes)
    this.unsynced.add(path)
    this.unsyncedDirectories.add(this.queueDirectory(topic, queueId))
    this.unsyncedDirectories.add(this.topicDirectory(topic)).add(this.directory)
    if (isFirst) this.unsyncedDirectories.add(directoryOf(this.directory))
  }

  /** Writes units into one file of a queue. Throws the host's error. */
  write(path: InsidePath, units: Buffer, atUnit: number): void {
    this.#shared.open.get(path).writeNow(units, atUnit * this.unitBytes)
    this.unsynced.add(path)
    if (this.areNamesAtRisk) this.#noteName(path)
  }

  #noteName(path: string): void {
    const directory = directoryOf(path)
    if (this.#shared.noted.has(directory)) return
    this.#shared.noted.add(directory)
    this.unsyncedDirectories.add(directory).add(directoryOf(directory)).add(this.directory)
    this.unsyncedDirectories.add(directoryOf(this.directory))
  }

  /** Reads up to `count` units from place `atUnit` of a file into `target`; returns how many were read. */
  read(path: InsidePath, target: Buffer, atUnit: number, count: number): number {
    const bytes = target.subarray(0, count * this.unitBytes)
    return Math.floor(
      this.#shared.open.get(path).readNow(bytes, atUnit * this.unitBytes) / this.unitBytes,
    )
  }

  /** Zeroes a file from place `fromUnit` on, in the page cache. Throws the host's error. */
  zeroFrom(path: InsidePath, fromUnit: number): void {
    const file = this.#shared.open.get(path)
    file.resize(fromUnit * this.unitBytes)
    file.resize(this.unitsPerFile * this.unitBytes)
  }

  /** Extends a short file to its full size with zeros. Throws the host's error. */
  lengthen(path: InsidePath): void {
    this.#shared.open.get(path).resize(this.unitsPerFile * this.unitBytes)
    this.unsynced.add(path)
  }

  remove(path: InsidePath): void {
    this.#shared.open.forget(path)
    this.unsynced.delete(path)
    this.env.disk.remove(path)
  }

  /** As `remove`; the next checkpoint makes the removal durable. */
  removeDurably(path: InsidePath): void {
    this.remove(path)
    this.unsyncedDirectories.add(directoryOf(path))
  }

  /**
   * Removes the folder of a topic: files and folders whose names are those of a queue, and then empty folders.
   * Anything else stays. Returns whether everything is gone. Throws the host's error.
   */
  removeTopic(topic: string): boolean {
    const { disk } = this.env
    for (const { name, isDirectory } of disk.list(this.topicDirectory(topic))) {
      if (isDirectory && QUEUE_FOLDER.test(name)) this.removeQueue(topic, Number(name))
    }
    return disk.removeDirectory(this.topicDirectory(topic))
  }

  /** As `removeTopic`, for the folder of a queue. */
  removeQueue(topic: string, queueId: number): boolean {
    const { disk } = this.env
    const directory = this.queueDirectory(topic, queueId)
    for (const { name, isDirectory } of disk.list(directory)) {
      if (!isDirectory && SEGMENT.test(name)) this.remove(insideOf(directory, name))
    }
    return disk.removeDirectory(directory)
  }

  closeAll(): void {
    this.#shared.open.closeAll()
  }
}

function newState(env: Env, openFilesMax: number): SharedState {
  return {
    unsynced: new Set(),
    unsyncedDirectories: new Set(),
    tails: new TailBudget(),
    noted: new Set(),
    open: new OpenFiles(env.disk, openFilesMax),
    hasWriteFailed: false,
    areNamesAtRisk: false,
  }
}
