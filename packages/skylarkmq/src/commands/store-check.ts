import { nodeEnv, silentEvents } from '@skylarkmq/env'
import {
  judgeStore,
  type CheckProgress,
  type CheckReport,
  type JudgedReport,
  type Problem,
} from '@skylarkmq/store-tools'
import type { Command } from 'commander'
import { bold, counted, dim, print, printError, red, yellow } from '../terminal.ts'
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
    .option('--fast', 'check only the last two files of the log and what refers to them')
    .addHelpText(
      'after',
      `
Writes nothing. The last line is the verdict: sound; mended by the next start of a broker
(which is tried in memory); or unsound, with what to do about it.
Exit code: 0 sound, or mended by the next start; 1 unsound; 2 could not check.
A store that a broker has open is not checked, because it changes: stop the broker,
or print single records with skylark store inspect.

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
  const report = await judgeStore(nodeEnv(silentEvents), found.config, {
    isFast: flags.fast === true,
    ...(process.stderr.isTTY ? { progress: showProgress } : {}),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  // A broker that started meanwhile has changed what was read.
  if (isHeld(await holderOf(found))) return CANNOT_LOOK
  if (flags.json === true) print(JSON.stringify({ directory: found.directory, ...report }, null, 2))
  else printJudged(report)
  return report.verdict === 'unsound' ? 1 : 0
}

function isHeld(holder: string | undefined): boolean {
  if (holder === undefined) return false
  cannot(`${holder} has the store open and may change it`)
  printError(dim('Stop it first; skylark store inspect works with a running broker.'))
  return true
}

function showProgress({ doneBytes, totalBytes }: CheckProgress): void {
  const percent = Math.floor((doneBytes / Math.max(1, totalBytes)) * 100)
  process.stderr.write(`\rchecking, ${percent} % of the log`)
}

/** Prints what a check found, and what the next start would do. */
function printJudged(report: JudgedReport): void {
  const { verdict, problems, problemCount, remaining, remainingCount, startError } = report
  const mended = problemsWithout(problems, remaining)
  for (const problem of mended) {
    print(`${yellow('mended')} ${bold(problem.where)}: ${problem.what}`)
  }
  if (remainingCount === 0) printMore(problemCount - problems.length)
  printProblems(remaining, remainingCount)
  if (startError !== undefined) print(`${red('start')} ${startError}`)
  printNotes(report)
  if (verdict === 'sound') print(SOUND)
  else if (verdict === 'mended-by-start') {
    const what =
      problemCount === 0 ? 'the last stop was not clean' : counted(problemCount, 'problem')
    print(`${bold('mended by the next start')}: ${what}; a start was tried in memory`)
  } else print(red(unsound(remainingCount, startError)))
}

function printMore(count: number): void {
  if (count > 0) print(`        and ${count} more of these kinds`)
}

const SOUND = `${bold('sound')}: all parts of the store are consistent`

function unsound(count: number, startError: string | undefined): string {
  const ends = startError === undefined ? ' that a start does not mend' : ''
  return `unsound: ${count === 0 ? 'no broker can start on it' : `${counted(count, 'problem')}${ends}`}`
}

/** Problems that a start repairs. */
function problemsWithout(problems: readonly Problem[], others: readonly Problem[]): Problem[] {
  const there = new Set(others.map(({ kind, where }) => `${kind} ${where}`))
  return problems.filter(({ kind, where }) => !there.has(`${kind} ${where}`))
}

/** Prints the result of a check. */
export function printReport(report: CheckReport): void {
  printProblems(report.problems, report.problemCount)
  printNotes(report)
  print(report.problemCount === 0 ? SOUND : red(counted(report.problemCount, 'problem')))
}

function printProblems(problems: readonly Problem[], count: number): void {
  for (const problem of problems) {
    print(`${red('problem')} ${bold(problem.where)}: ${problem.what}`)
  }
  printMore(count - problems.length)
  for (const next of adviceOf(problems)) print(dim(next))
}

function printNotes({ notes, summary }: CheckReport): void {
  for (const note of notes) print(`${dim('note')} ${note}`)
  print(
    `${summary.logFiles} log files from ${summary.offsetMin} to ${summary.offsetMax}, ${summary.records} records; ` +
      `${summary.queues} queues, ${summary.units} units; ${summary.indexFiles} index files, ${summary.indexEntries} entries` +
      (summary.waiting === 0 ? '' : `; ${summary.waiting} messages wait in the timer wheel`),
  )
}

/** What to do next: once per kind of problem. */
function adviceOf(problems: readonly Problem[]): string[] {
  const lines = new Map<string, Set<string>>()
  for (const { kind, next } of problems) {
    lines.set(next, (lines.get(next) ?? new Set<string>()).add(kind))
  }
  return [...lines].map(([next, kinds]) => `  ${[...kinds].join(', ')}: ${next}`)
}
