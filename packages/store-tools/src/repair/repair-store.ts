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

/** Options of a repair. */
export interface RepairOptions {
  /** Cuts the log at the first bytes that are not a record. */
  readonly truncate?: boolean
  /** Rebuilds queues and index even if nothing is wrong with them. */
  readonly all?: boolean
  /** Deletes the queues and the index that were replaced; otherwise they are kept beside the new ones. */
  readonly discard?: boolean
  readonly progress?: (progress: CheckProgress) => void
}

/** What a repair would do. */
export interface RepairPlan {
  readonly report: CheckReport
  /** Where the log is cut; undefined to leave it. */
  readonly cutAt: number | undefined
  readonly queues: boolean
  readonly index: boolean
  readonly checkpoint: boolean
  readonly offsets: boolean
  /** Which timer files are moved away; the next start rebuilds them. */
  readonly timers: 'nothing' | 'wheel' | 'wheel and log'
  /** Problems that remain, as a sentence each. */
  readonly left: readonly string[]
}

/** What a repair did. */
export interface RepairResult {
  /** The plan that was carried out. */
  readonly plan: RepairPlan
  /** A check of the result. */
  readonly report: CheckReport
  /** Folders with replaced or cut files. */
  readonly kept: readonly string[]
}

/** Whether a plan changes anything. */
export function changesAnything(plan: RepairPlan): boolean {
  const { cutAt, queues, index, checkpoint, offsets, timers } = plan
  return cutAt !== undefined || queues || index || checkpoint || offsets || timers !== 'nothing'
}

/** Checks a store that nobody has open, and plans a repair. Writes nothing. Throws the host's error. */
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
    left.push('files of the log are missing or have a wrong size: a repair cannot restore them')
  }
  if (damage !== undefined && cutAt === undefined) {
    left.push(
      `the log has bytes at ${damage.offset} that are not a record; it is not changed without --truncate`,
    )
  }
  if (has('timer-unit') && cutAt === undefined) {
    left.push('timer messages are no longer in the log: they cannot be delivered')
  }
  if (has('config')) left.push('tables of config/ cannot be read: a repair cannot restore them')
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

/** After a cut of the log, units would name messages that no longer exist, or other ones. */
function timersAside(
  has: (...kinds: ProblemKind[]) => boolean,
  isCut: boolean,
): RepairPlan['timers'] {
  if (isCut || has('timer-log', 'timer-check')) return 'wheel and log'
  return has('timer-wheel') ? 'wheel' : 'nothing'
}

/**
 * Carries out a plan of `planRepair`, holding the lock of the directory, and checks the result. New queues and a new
 * index replace the old ones once they are complete and synced; a repair that is killed can be run again. Rejects
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
    // Remnants of a repair that was killed.
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

  /** A start rebuilds the wheel from its log, and both from the timer queue. */
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

  /** Without a recovery point, which would describe the previous index. */
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

  /**
   * After a kill: when queues and index were rebuilt and everything is synced, the next start has nothing to recover.
   */
  async #leaveClean(): Promise<void> {
    const { report, queues, index, left } = this.#plan
    const { disk } = this.#env
    const { abort, commitLog, root } = this.#paths
    if (report.summary.isClean || !queues || !index || left.length > 0) return
    // After a failed sync, a part of the log may be in the page cache only; a start rewrites it.
    if (unsyncedMark(disk, root) !== undefined) return
    for (const { firstOffset } of listSegments(disk, commitLog)) {
      await syncPath(disk, `${commitLog}/${segmentName(firstOffset)}`)
    }
    removeAbortFile(disk, abort)
  }
}
