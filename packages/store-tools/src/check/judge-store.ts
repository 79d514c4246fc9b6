import { hostErrorCode, OverlayDisk, silentEvents, textOfThrown } from '@skylarkmq/env'
import type { Env } from '@skylarkmq/env'
import { SkylarkError } from '@skylarkmq/protocol'
import { MessageStore, storePaths } from '@skylarkmq/store'
import type { StoreConfig } from '@skylarkmq/store'
import { examineStore } from './check-store.ts'
import type { CheckOptions, CheckReport } from './check-store.ts'
import { readConfig } from './config-check.ts'
import { Findings } from './problem.ts'
import type { Problem } from './problem.ts'

const TRIAL_BYTES_MAX = 1024 * 1024 * 1024

/**
 * What a store is:
 *
 * - `sound`: all parts agree, and the last stop was orderly.
 * - `mended-by-start`: the last stop was not orderly, or something does not agree, and the next start of a broker leaves a
 *   store that is sound.
 * - `unsound`: something does not agree, and a start does not change that; or no start is possible.
 */
export type StoreVerdict = 'sound' | 'mended-by-start' | 'unsound'

/** What a check found, and what the next start makes of it. */
export interface JudgedReport extends CheckReport {
  readonly verdict: StoreVerdict
  /** What is still wrong after a start. The same as `problems` when no start was tried out. */
  readonly remaining: readonly Problem[]
  /** How many there are, those that are not listed included. */
  readonly remainingCount: number
  /** Why the next start fails, or was not tried out; undefined otherwise. */
  readonly startError: string | undefined
}

/**
 * Examines a store as `examineStore` does. If it is not sound, a start is tried out in memory, and what that leaves is examined:
 * so the answer tells what a broker mends by itself. Writes nothing to the disk; nobody may write the store meanwhile.
 * Rejects with the host's error.
 */
export async function judgeStore(
  env: Env,
  config: StoreConfig,
  options: CheckOptions & { readonly trialBytesMax?: number } = {},
): Promise<JudgedReport> {
  const report = examineStore(env.disk, config, options)
  if (report.problemCount === 0 && report.summary.isClean) return judged(report, 'sound', report)
  const overlay = new OverlayDisk(env.disk, {
    now: () => env.clock.now(),
    bytesMax: options.trialBytesMax ?? TRIAL_BYTES_MAX,
  })
  const failure = await tryStart({ ...env, disk: overlay, events: silentEvents }, config)
  if (overlay.isFull) {
    const much = 'a start would write more than fits into memory, and was not tried out'
    return judged(report, report.problemCount === 0 ? 'mended-by-start' : 'unsound', report, much)
  }
  if (failure !== undefined) return judged(report, 'unsound', report, failure)
  const after = examineStore(overlay, config, options)
  return judged(report, after.problemCount === 0 ? 'mended-by-start' : 'unsound', after)
}

function judged(
  report: CheckReport,
  verdict: StoreVerdict,
  after: CheckReport,
  startError?: string,
): JudgedReport {
  const { problems: remaining, problemCount: remainingCount } = after
  return { ...report, verdict, remaining, remainingCount, startError }
}

/** Opens a store, which recovers it, and stops it; says why it did not open. */
async function tryStart(env: Env, config: StoreConfig): Promise<string | undefined> {
  const paths = storePaths(config)
  const { batchTopics } = readConfig(env.disk, paths.root, new Findings())
  try {
    const store = await MessageStore.open(env, config, (topic) => batchTopics.has(topic))
    await store.shutdown()
  } catch (error) {
    if (!(error instanceof SkylarkError) && hostErrorCode(error) === undefined) throw error
    return textOfThrown(error)
  }
  // Whoever stops before it was ready leaves the mark of a kill. What is left behind counts as after an orderly stop.
  env.disk.remove(paths.abort)
  return undefined
}
