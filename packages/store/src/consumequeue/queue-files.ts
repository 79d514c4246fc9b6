import type { Env } from '@skylarkmq/env'
import { OpenFiles } from '../segment/open-files.ts'
import { segmentName } from '../segment/segment-file.ts'
import { UNIT_BYTES } from './consume-queue-unit.ts'
import { TailBudget } from './tail-budget.ts'

const SCRATCH_UNITS = 1024

/**
 * Where the files of all consume queues are and how they are read and written: few are open at once.
 * One queue's file of units from `firstUnit` on is `<topic>/<queueId>/<firstUnit * 20>`.
 */
export class QueueFiles {
  readonly directory: string
  /** Units in one file. */
  readonly unitsPerFile: number
  /** For reads; valid until the next one. */
  readonly scratch = Buffer.alloc(SCRATCH_UNITS * UNIT_BYTES)
  /** Paths that were written since the last thorough flush. */
  readonly unsynced = new Set<string>()
  /** Directories that got new names since. */
  readonly unsyncedDirectories = new Set<string>()
  /** What the queues may keep in memory. */
  readonly tails = new TailBudget()
  /** Set when a queue could not write what it has no room for any more; it keeps that in memory. */
  hasWriteFailed = false
  /** Set after a crash: the process before may have made files whose names it did not bring to disk. */
  areNamesAtRisk = false
  readonly #noted = new Set<string>()
  readonly env: Env
  readonly #open: OpenFiles

  constructor(env: Env, config: { directory: string; fileBytes: number; openFilesMax: number }) {
    this.env = env
    this.directory = config.directory
    this.unitsPerFile = Math.ceil(config.fileBytes / UNIT_BYTES)
    this.#open = new OpenFiles(env.disk, config.openFilesMax)
  }

  queueDirectory(topic: string, queueId: number): string {
    return `${this.directory}/${topic}/${queueId}`
  }

  path(topic: string, queueId: number, firstUnit: number): string {
    return `${this.queueDirectory(topic, queueId)}/${segmentName(firstUnit * UNIT_BYTES)}`
  }

  /** Makes a file of a queue. Throws the host's error. */
  create(topic: string, queueId: number, firstUnit: number): void {
    this.env.disk.makeDirectory(this.queueDirectory(topic, queueId))
    const path = this.path(topic, queueId, firstUnit)
    this.#open.create(path, this.unitsPerFile * UNIT_BYTES)
    this.unsynced.add(path)
    this.unsyncedDirectories.add(this.queueDirectory(topic, queueId))
    this.unsyncedDirectories.add(`${this.directory}/${topic}`).add(this.directory)
  }

  /** Writes units into one file of a queue. Throws the host's error. */
  write(path: string, units: Buffer, atUnit: number): void {
    this.#open.get(path).writeNow(units, atUnit * UNIT_BYTES)
    this.unsynced.add(path)
    if (this.areNamesAtRisk) this.#noteName(path)
  }

  #noteName(path: string): void {
    const directory = path.slice(0, path.lastIndexOf('/'))
    if (this.#noted.has(directory)) return
    this.#noted.add(directory)
    const topicDirectory = directory.slice(0, directory.lastIndexOf('/'))
    this.unsyncedDirectories.add(directory).add(topicDirectory).add(this.directory)
  }

  /** Reads up to `count` units from place `atUnit` of a file into `target`; returns how many. */
  read(path: string, target: Buffer, atUnit: number, count: number): number {
    const bytes = target.subarray(0, count * UNIT_BYTES)
    return Math.floor(this.#open.get(path).readNow(bytes, atUnit * UNIT_BYTES) / UNIT_BYTES)
  }

  /** Makes zeros of what follows place `fromUnit` of a file, in the page cache. Throws the host's error. */
  zeroFrom(path: string, fromUnit: number): void {
    const file = this.#open.get(path)
    file.resize(fromUnit * UNIT_BYTES)
    file.resize(this.unitsPerFile * UNIT_BYTES)
  }

  /** Gives a file that is short its size, with zeros. Throws the host's error. */
  lengthen(path: string): void {
    this.#open.get(path).resize(this.unitsPerFile * UNIT_BYTES)
    this.unsynced.add(path)
  }

  remove(path: string): void {
    this.#open.forget(path)
    this.unsynced.delete(path)
    this.env.disk.remove(path)
  }

  closeAll(): void {
    this.#open.closeAll()
  }
}
