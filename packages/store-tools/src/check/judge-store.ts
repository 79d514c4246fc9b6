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
 * The verdict on a store:
 *
 * - `sound`: all parts are consistent, and the last stop was clean.
 * - `mended-by-start`: the last stop was not clean, or something is inconsistent, but the next start of a broker makes the
 *   store sound.
 * - `unsound`: something is inconsistent and a start does not repair it, or no start is possible.
 */
export type StoreVerdict = 'sound' | 'mended-by-start' | 'unsound'

/** The result of a check, and what the next start would do. */
export interface JudgedReport extends CheckReport {
  readonly verdict: StoreVerdict
  /** Problems that remain after a start. The same as `problems` when no start was tried. */
  readonly remaining: readonly Problem[]
  /** Their number, including those not listed. */
  readonly remainingCount: number
  /** Why the next start fails or was not tried; undefined otherwise. */
  readonly startError: string | undefined
}

/**
 * Examines a store as `examineStore` does. If it is not sound, tries a start in memory and examines the result, so
 * that the report says what a broker would repair by itself. Writes nothing to the disk; the store must not be
 * written meanwhile. Rejects with the host's error.
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

/** Opens a store, which recovers it, and stops it; returns why it did not open. */
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
  // A store that stops before it was ready leaves the mark of a kill; here the result counts as that of a clean stop.
  env.disk.remove(paths.abort)
  return undefined
}
