import { examineStore, type CheckProgress, type CheckReport, type Problem } from '@skylarkmq/store'
import type { Command } from 'commander'
import { bold, dim, print, printError, red } from '../terminal.ts'
import {
  CANNOT_LOOK,
  cannot,
  findStore,
  holderOf,
  looking,
  withStore,
  type StoreFlags,
} from './store-directory.ts'

interface CheckFlags extends StoreFlags {
  fast?: boolean
}

/** Adds `store check`. */
export function addStoreCheck(store: Command): void {
  withStore(store.command('check'))
    .description('compare log, queues, index, checkpoint and tables with each other')
    .option('--fast', 'read only the last two files of the log and what names them')
    .addHelpText(
      'after',
      `
Writes nothing. Exit code: 0 sound, 1 something does not agree, 2 could not look.
A store that a broker has open is not checked, because it changes; stop the broker,
or look at single records with skylark store inspect.

Examples:
  skylark store check ./skylark-data
  skylark store check -c broker.conf --json`,
    )
    .action(async (dir: string | undefined, flags: CheckFlags) => {
      process.exitCode = await looking(() => check(dir, flags))
    })
}

async function check(dir: string | undefined, flags: CheckFlags): Promise<number> {
  const found = findStore(dir, flags)
  if (found === undefined) return CANNOT_LOOK
  if (isHeld(await holderOf(found))) return CANNOT_LOOK
  const report = examineStore(found.disk, found.config, {
    isFast: flags.fast === true,
    ...(process.stderr.isTTY ? { progress: showProgress } : {}),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  // A broker that began meanwhile has changed what was read.
  if (isHeld(await holderOf(found))) return CANNOT_LOOK
  if (flags.json === true) print(JSON.stringify({ directory: found.directory, ...report }, null, 2))
  else printReport(report)
  return report.problemCount === 0 ? 0 : 1
}

function isHeld(holder: string | undefined): boolean {
  if (holder === undefined) return false
  cannot(`${holder} has the store open, and changes it`)
  printError(dim('Stop it first; skylark store inspect looks at a running store.'))
  return true
}

function showProgress({ doneBytes, totalBytes }: CheckProgress): void {
  const percent = Math.floor((doneBytes / Math.max(1, totalBytes)) * 100)
  process.stderr.write(`\rchecking, ${percent} % of the log`)
}

/** Prints what a check found, for a person. */
export function printReport(report: CheckReport): void {
  for (const problem of report.problems) {
    print(`${red('problem')} ${bold(problem.where)}: ${problem.what}`)
  }
  const more = report.problemCount - report.problems.length
  if (more > 0) print(`        and ${more} more of these kinds`)
  for (const next of adviceOf(report.problems)) print(dim(next))
  for (const note of report.notes) print(`${dim('note')} ${note}`)
  const { summary } = report
  print(
    `${summary.logFiles} log files from ${summary.offsetMin} to ${summary.offsetMax}, ${summary.records} records; ` +
      `${summary.queues} queues, ${summary.units} units; ${summary.indexFiles} index files, ${summary.indexEntries} entries` +
      (summary.waiting === 0 ? '' : `; ${summary.waiting} messages wait in the timer wheel`),
  )
  if (report.problemCount === 0) print(`${bold('sound')}: all parts of the store agree`)
  else print(red(`${report.problemCount} problems`))
}

/** What to do next: once for each kind of problem. */
function adviceOf(problems: readonly Problem[]): string[] {
  const lines = new Map<string, Set<string>>()
  for (const { kind, next } of problems) {
    lines.set(next, (lines.get(next) ?? new Set<string>()).add(kind))
  }
  return [...lines].map(([next, kinds]) => `  ${[...kinds].join(', ')}: ${next}`)
}
