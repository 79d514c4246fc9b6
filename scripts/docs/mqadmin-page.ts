import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { mqadminCommands, type MqadminCommand } from './mqadmin-commands.ts'

/** Where a conformance run leaves what it saw of mqadmin. */
const resultsFile = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../../test/conformance/golden/mqadmin.json',
)

/** One call of a command, and what both makes printed: numbers, times, ids and addresses are taken out. */
export interface MqadminCall {
  /** The command's name, then what is particular about the call. */
  readonly name: string
  readonly call: string
  readonly isSame: boolean
  /** Why Skylark prints something else; empty when it does not. */
  readonly why: readonly string[]
  readonly apache: string
  /** Undefined when it is the same. */
  readonly skylark?: string
}

/** The calls as the last run recorded them. */
export function recordedCalls(): MqadminCall[] {
  return JSON.parse(readFileSync(resultsFile, 'utf8')) as MqadminCall[]
}

/** docs/reference/mqadmin.md. Throws an Error when a command has neither been called nor has a reason for that. */
export function mqadminPage(printed: string, calls: readonly MqadminCall[]): string {
  const known = new Set(Object.values(mqadminCommands).flatMap((list) => list.map(nameOf)))
  const byCommand = grouped(calls)
  const sections = Object.entries(mqadminCommands).map(([title, commands]) => {
    const rows = commands.map((command) => row(command, byCommand.get(command.name) ?? []))
    return `## ${title}\n\n| command | what it does | result | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
  })
  const shown = calls.filter(({ name }) => known.has(commandOf(name)))
  const same = shown.filter(({ isSame }) => isSame).length
  const absent = Object.values(mqadminCommands)
    .flat()
    .filter((one) => one.absent !== undefined)
  const sides = shown.map(
    ({ call, apache, skylark }) =>
      `| \`${escaped(call)}\` | ${cell(apache)} | ${skylark === undefined ? 'the same' : cell(skylark)} |`,
  )
  return [
    printed,
    "# Apache's mqadmin\n",
    `Every command that mqadmin of Apache RocketMQ 5.3.3 has: ${known.size}, of which ${known.size - absent.length} are served. ` +
      `\`npm run conformance -- --only 'mqadmin/*' --record\` runs mqadmin itself against Apache's servers and against ` +
      `Skylark in the same order, compares what it prints and exports, and leaves it for this page. Of ${shown.length} ` +
      `calls ${same} print the same; numbers that measure something, times, ids and addresses aside.\n`,
    ...sections,
    '## Side by side\n',
    'The first lines that mqadmin printed; `(names)` are compared in any order.\n',
    '| call | Apache 5.3.3 | Skylark |\n| --- | --- | --- |',
    `${sides.join('\n')}\n`,
  ].join('\n')
}

const nameOf = (command: MqadminCommand): string => command.name

const commandOf = (call: string): string => call.split('-')[0] ?? call

function grouped(calls: readonly MqadminCall[]): Map<string, MqadminCall[]> {
  const groups = new Map<string, MqadminCall[]>()
  for (const call of calls) {
    const of = groups.get(commandOf(call.name)) ?? []
    of.push(call)
    groups.set(commandOf(call.name), of)
  }
  return groups
}

function row({ name, does, absent }: MqadminCommand, calls: readonly MqadminCall[]): string {
  if (absent !== undefined) return `| ${name} | ${does} | not served | ${absent} |`
  if (calls.length === 0) throw new Error(`mqadmin's ${name} was not called and has no reason`)
  const why = [...new Set(calls.flatMap((call) => call.why))]
  const other = calls.filter(({ isSame }) => !isSame)
  const result = other.length === 0 ? 'same' : 'differs'
  return `| ${name} | ${does} | ${result} | ${why.join('; ')} |`
}

const escaped = (text: string): string => text.replaceAll('|', '\\|')

function cell(text: string): string {
  if (text === '') return '(nothing)'
  return text
    .split('\n')
    .map((line) => `\`${escaped(line).replaceAll('`', "'")}\``)
    .join('<br>')
}
