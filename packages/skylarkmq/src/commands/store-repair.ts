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
    .description('make queues and index anew from the log, where they are wrong')
    .option('--apply', 'do it; without this, only say what would be done')
    .option('--truncate', 'cut the log at the first bytes that are no record; keeps what it cuts')
    .option('--all', 'make queues and index anew although nothing is wrong with them')
    .option('--discard-old', 'do not keep the queues and the index that are replaced')
    .addHelpText(
      'after',
      `
Without --apply nothing is written. The log is never touched without --truncate.
What is replaced or cut is kept in folders named …before-repair-<time> beside it.
Exit code: 0 sound, 1 something is or would be left to do, 2 could not look.

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
      `cut the log at ${plan.cutAt}: ${bytes} bytes go, with ${damage.recordsBehind} sound messages behind the damage`,
    )
  }
  if (plan.queues) steps.push('make the queues anew from the log')
  if (plan.index) steps.push('make the index anew from the log')
  if (plan.checkpoint) steps.push('write the checkpoint anew')
  if (plan.timers !== 'nothing') {
    const what = plan.timers === 'wheel' ? 'the timer wheel' : 'the timer wheel and its log'
    steps.push(`put ${what} aside; the next start makes it anew`)
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
