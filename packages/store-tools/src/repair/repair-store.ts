import type { Disk, Env } from '@skylarkmq/env'
import { storePaths } from '@skylarkmq/store'
import type { StoreConfig } from '@skylarkmq/store'
import {
  listSegments,
  localTime,
  readCheckpoint,
  removeAbortFile,
  segmentName,
  syncPath,
  unsyncedMark,
  writeCheckpoint,
} from '@skylarkmq/store/internals'
import type { StorePaths } from '@skylarkmq/store/internals'
import { examineStore } from '../check/check-store.ts'
import type { CheckProgress, CheckReport } from '../check/check-store.ts'
import { readConfig } from '../check/config-check.ts'
import { KEPT_BY_REPAIR } from '../check/directory-check.ts'
import { Findings } from '../check/problem.ts'
import type { ProblemKind } from '../check/problem.ts'
import { clampOffsets } from './clamp-offsets.ts'
import { cutLog } from './cut-log.ts'
import { rebuild } from './rebuild.ts'
import type { Rebuilt } from './rebuild.ts'

/** How far a repair may go. */
export interface RepairOptions {
  /** Cuts the log at the first bytes that are no record. */
  readonly truncate?: boolean
  /** Makes queues and index anew although nothing is wrong with them. */
  readonly all?: boolean
  /** Deletes the queues and the index that were replaced; else they are kept beside the new ones. */
  readonly discard?: boolean
  readonly progress?: (progress: CheckProgress) => void
}

/** What a repair would do. */
export interface RepairPlan {
  readonly report: CheckReport
  /** Where the log is cut; undefined when it stays as it is. */
  readonly cutAt: number | undefined
  readonly queues: boolean
  readonly index: boolean
  readonly checkpoint: boolean
  readonly offsets: boolean
  /** What of the timer wheel and its log is put aside; the next start makes it anew. */
  readonly timers: 'nothing' | 'wheel' | 'wheel and log'
  /** What is wrong and stays so, as a sentence each. */
  readonly left: readonly string[]
}

/** What a repair did. */
export interface RepairResult {
  /** What was to be done. */
  readonly plan: RepairPlan
  /** A check of what is there now. */
  readonly report: CheckReport
  /** Folders with what was replaced or cut. */
  readonly kept: readonly string[]
}

/** Whether a plan changes anything. */
export function changesAnything(plan: RepairPlan): boolean {
  const { cutAt, queues, index, checkpoint, offsets, timers } = plan
  return cutAt !== undefined || queues || index || checkpoint || offsets || timers !== 'nothing'
}

/** Checks a store that nobody has open, and says what a repair would do. Writes nothing. Throws the host's error. */
export function planRepair(disk: Disk, config: StoreConfig, options: RepairOptions): RepairPlan {
  const { progress } = options
  const report = examineStore(disk, config, progress === undefined ? {} : { progress })
  const has = (...kinds: ProblemKind[]): boolean =>
    report.problems.some(({ kind }) => kinds.includes(kind))
  const { damage } = report
  const cutAt = options.truncate === true ? damage?.offset : undefined
  const all = options.all === true || cutAt !== undefined
  const left: string[] = []
  if (has('log-file')) {
    left.push('files of the log are missing or of another size: a repair cannot make them')
  }
  if (damage !== undefined && cutAt === undefined) {
    left.push(
      `the log has bytes at ${damage.offset} that are no record; it is not touched without --truncate`,
    )
  }
  if (has('timer-unit') && cutAt === undefined) {
    left.push('messages that wait are not in the log any more: they cannot be delivered')
  }
  if (has('config')) left.push('tables of config/ cannot be read: a repair cannot make them')
  return {
    report,
    cutAt,
    queues: all || has('queue-file', 'queue-unit', 'queue-missing'),
    index: config.messageIndexEnable && (all || has('index-file', 'index-entry', 'index-missing')),
    checkpoint: all || has('checkpoint'),
    offsets: has('offset') || cutAt !== undefined,
    timers: timersAside(
      has,
      cutAt !== undefined && disk.stat(`${storePaths(config).root}/timerlog`) !== undefined,
    ),
    left,
  }
}

/** Behind a cut of the log, units would name messages that are not there any more, or others. */
function timersAside(
  has: (...kinds: ProblemKind[]) => boolean,
  isCut: boolean,
): RepairPlan['timers'] {
  if (isCut || has('timer-log', 'timer-check')) return 'wheel and log'
  return has('timer-wheel') ? 'wheel' : 'nothing'
}

/**
 * Does what `planRepair` says, holding the directory meanwhile, and checks the result. New queues and a new index
 * take the place of the old ones when they are whole and on disk; a repair that is killed can be run again. Rejects
 * with DirectoryLocked while a broker runs, and with the host's error.
 */
export async function repairStore(
  env: Env,
  config: StoreConfig,
  options: RepairOptions,
): Promise<RepairResult> {
  const lock = await env.disk.lock(config.storePathRootDir)
  try {
    const plan = planRepair(env.disk, config, options)
    if (!changesAnything(plan)) return { plan, report: plan.report, kept: [] }
    return await new Repair(env, config, plan, options).run()
  } finally {
    lock.release()
  }
}

class Repair {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #plan: RepairPlan
  readonly #options: RepairOptions
  readonly #paths: StorePaths
  readonly #suffix: string
  readonly #kept: string[] = []

  constructor(env: Env, config: StoreConfig, plan: RepairPlan, options: RepairOptions) {
    this.#env = env
    this.#config = config
    this.#plan = plan
    this.#options = options
    this.#paths = storePaths(config)
    this.#suffix = `${KEPT_BY_REPAIR}${localTime(env.clock.now()).digits}`
  }

  async run(): Promise<RepairResult> {
    const { disk } = this.#env
    const plan = this.#plan
    const { commitLog, root } = this.#paths
    if (plan.cutAt !== undefined) {
      const keepIn = `${commitLog}${this.#suffix}`
      await cutLog(disk, commitLog, plan.cutAt, keepIn)
      this.#kept.push(keepIn)
    }
    const rebuilt = await this.#rebuild()
    if (plan.offsets) {
      clampOffsets(disk, root, examineStore(disk, this.#config).offsetsBehindEnd)
    }
    if (rebuilt !== undefined || plan.checkpoint) await this.#writeCheckpoint(rebuilt)
    if (plan.timers !== 'nothing') await this.#putTimersAside()
    await this.#leaveClean()
    return { plan, report: examineStore(disk, this.#config), kept: this.#kept }
  }

  async #rebuild(): Promise<Rebuilt | undefined> {
    const { queues, index, checkpoint } = this.#plan
    if (!queues && !index && !checkpoint) return undefined
    const { disk } = this.#env
    const paths = this.#paths
    const { consumeQueue, batchConsumeQueue } = paths
    const [newQueues, newIndex] = [`${consumeQueue}.new`, `${paths.index}.new`]
    const newBatches = `${batchConsumeQueue}.new`
    // Left by a repair that was killed.
    for (const each of [newQueues, newBatches, newIndex]) disk.removeTree(each)
    const { progress } = this.#options
    const { offsetMin, offsetMax } = this.#plan.report.summary
    const rebuilt = await rebuild(this.#env, this.#config, {
      queues: queues ? { consumeQueue: newQueues, batchConsumeQueue: newBatches } : undefined,
      index: index ? newIndex : undefined,
      tables: readConfig(disk, paths.root, new Findings()),
      reached: (offset) => {
        progress?.({ doneBytes: offset - offsetMin, totalBytes: offsetMax - offsetMin })
      },
    })
    if (queues) await this.#replace(consumeQueue, newQueues)
    if (queues) await this.#replace(batchConsumeQueue, newBatches)
    if (index) await this.#replace(paths.index, newIndex)
    return rebuilt
  }

  async #replace(directory: string, made: string): Promise<void> {
    const { disk } = this.#env
    const keepIn = `${directory}${this.#suffix}`
    if (disk.stat(directory) !== undefined) disk.rename(directory, keepIn)
    // Few stores have queues of batches.
    if (disk.stat(made) !== undefined) disk.rename(made, directory)
    await disk.syncDirectory(directory.slice(0, directory.lastIndexOf('/')))
    if (this.#options.discard === true) disk.removeTree(keepIn)
    else if (disk.stat(keepIn) !== undefined) this.#kept.push(keepIn)
  }

  /** A start makes the wheel from its log, and both from the queue of the messages that wait. */
  async #putTimersAside(): Promise<void> {
    const { disk } = this.#env
    const { root } = this.#paths
    const names = this.#plan.timers === 'wheel' ? ['timerwheel'] : ['timerwheel', 'timerlog']
    for (const name of names) {
      const path = `${root}/${name}`
      if (disk.stat(path) === undefined) continue
      const keepIn = `${path}${this.#suffix}`
      disk.rename(path, keepIn)
      if (this.#options.discard === true) disk.removeTree(keepIn)
      else this.#kept.push(keepIn)
    }
    await disk.syncDirectory(root)
  }

  /** Without a recovery point: the one that was there tells of an index that is gone. */
  async #writeCheckpoint(rebuilt: Rebuilt | undefined): Promise<void> {
    const { disk } = this.#env
    const before = readCheckpoint(disk, this.#paths.checkpoint)
    const newest = rebuilt?.newestTimestamp ?? 0
    const atMost = (value: number, most: number): number =>
      value >= 0 && value <= most ? value : most
    disk.remove(this.#paths.checkpoint)
    await writeCheckpoint(disk, this.#paths.checkpoint, {
      physicMsgTimestamp: atMost(before.physicMsgTimestamp, newest),
      logicsMsgTimestamp: atMost(before.logicsMsgTimestamp, newest),
      indexMsgTimestamp: this.#plan.index
        ? (rebuilt?.indexFullTimestamp ?? 0)
        : atMost(before.indexMsgTimestamp, newest),
      masterFlushedOffset: atMost(before.masterFlushedOffset, Number.MAX_SAFE_INTEGER),
      confirmPhyOffset: Math.max(0, rebuilt?.lastRecord ?? 0),
      point: undefined,
    })
  }

  /** After a kill: when queues and index were made anew and all is on disk, the next start has nothing to put right. */
  async #leaveClean(): Promise<void> {
    const { report, queues, index, left } = this.#plan
    const { disk } = this.#env
    const { abort, commitLog, root } = this.#paths
    if (report.summary.isClean || !queues || !index || left.length > 0) return
    // What a failed sync left in the page cache alone has to be written again, which a start does.
    if (unsyncedMark(disk, root) !== undefined) return
    for (const { firstOffset } of listSegments(disk, commitLog)) {
      await syncPath(disk, `${commitLog}/${segmentName(firstOffset)}`)
    }
    removeAbortFile(disk, abort)
  }
}
