import { DirectoryLocked, nodeEnv, silentEvents } from '@skylarkmq/env'
import { fileLock } from '@skylarkmq/server'
import {
  changesAnything,
  planRepair,
  repairStore,
  type CheckProgress,
  type RepairPlan,
} from '@skylarkmq/store-tools'
import type { Command } from 'commander'
import { bold, dim, explain, print } from '../terminal.ts'
import { printReport } from './store-check.ts'
import {
  CANNOT_LOOK,
  cannot,
  findStore,
  holderOf,
  withStore,
  type StoreFlags,
} from './store-directory.ts'

interface RepairFlags extends StoreFlags {
  apply?: boolean
  truncate?: boolean
  all?: boolean
  discardOld?: boolean
}

/** Adds `store repair`. */
export function addStoreRepair(store: Command): void {
  withStore(store.command('repair'))
    .description('rebuild damaged queues and indexes from the log')
    .option('--apply', 'repair; without it, only print what would be done')
    .option(
      '--truncate',
      'cut the log at the first bytes that are not a record, and keep a copy of the rest',
    )
    .option('--all', 'rebuild queues and index even if nothing is wrong with them')
    .option('--discard-old', 'delete the queues and the index that are replaced')
    .addHelpText(
      'after',
      `
Without --apply nothing is written. Without --truncate the log is not changed.
Replaced or cut files are kept beside the new ones, in directories named …before-repair-<time>.
Exit code: 0 sound, 1 problems remain or would be repaired, 2 could not check.

Examples:
  skylark store repair ./skylark-data
  skylark store repair ./skylark-data --apply`,
    )
    .action(async (dir: string | undefined, flags: RepairFlags) => {
      process.exitCode = await repair(dir, flags)
    })
}

async function repair(dir: string | undefined, flags: RepairFlags): Promise<number> {
  const found = findStore(dir, flags)
  if (found === undefined) return CANNOT_LOOK
  const holder = await holderOf(found)
  if (holder !== undefined) {
    cannot(`${holder} has the store open; stop it first`)
    return CANNOT_LOOK
  }
  const options = {
    truncate: flags.truncate === true,
    all: flags.all === true,
    discard: flags.discardOld === true,
    ...(process.stderr.isTTY ? { progress: showProgress } : {}),
  }
  try {
    if (flags.apply !== true) {
      const plan = planRepair(found.disk, found.config, options)
      clearProgress()
      if (flags.json === true) print(JSON.stringify({ applied: false, plan }, null, 2))
      else printPlan(plan)
      return plan.report.problemCount === 0 && !changesAnything(plan) ? 0 : 1
    }
    const result = await repairStore(nodeEnv(silentEvents, fileLock), found.config, options)
    clearProgress()
    if (flags.json === true) print(JSON.stringify({ applied: true, ...result }, null, 2))
    else {
      for (const line of stepsOf(result.plan)) print(`did: ${line}`)
      for (const folder of result.kept) print(`kept ${folder}`)
      printReport(result.report)
    }
    return result.report.problemCount === 0 ? 0 : 1
  } catch (error) {
    clearProgress()
    if (error instanceof DirectoryLocked) {
      cannot(`${error.holder} has the store open; stop it first`)
    } else explain(error)
    return CANNOT_LOOK
  }
}

function printPlan(plan: RepairPlan): void {
  printReport(plan.report)
  const steps = stepsOf(plan)
  for (const line of steps) print(`would ${line}`)
  for (const line of plan.left) print(`${dim('stays')} ${line}`)
  if (steps.length > 0) print(`Nothing was changed. ${bold('--apply')} does it.`)
  else if (plan.left.length === 0) print('There is nothing to repair.')
}

function stepsOf(plan: RepairPlan): string[] {
  const steps: string[] = []
  const { damage } = plan.report
  if (plan.cutAt !== undefined && damage !== undefined) {
    const bytes = Math.max(damage.usedEnd, plan.report.summary.offsetMax) - plan.cutAt
    steps.push(
      `cut the log at ${plan.cutAt}: ${bytes} bytes are removed, including ${damage.recordsBehind} intact messages behind the damage`,
    )
  }
  if (plan.queues) steps.push('rebuild the queues from the log')
  if (plan.index) steps.push('rebuild the index from the log')
  if (plan.checkpoint) steps.push('rewrite the checkpoint')
  if (plan.timers !== 'nothing') {
    const what = plan.timers === 'wheel' ? 'the timer wheel' : 'the timer wheel and its log'
    steps.push(`move ${what} away; the next start rebuilds it`)
  }
  if (plan.offsets) steps.push('set offsets that are behind the end of their queue to that end')
  return steps
}

function showProgress({ doneBytes, totalBytes }: CheckProgress): void {
  const percent = Math.floor((doneBytes / Math.max(1, totalBytes)) * 100)
  process.stderr.write(`\rreading, ${percent} % of the log`)
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}
