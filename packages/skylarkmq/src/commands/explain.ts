import { allBrokerOptions } from '@skylarkmq/broker'
import { namesrvOptions } from '@skylarkmq/namesrv'
import {
  brokerRequests,
  namesrvRequests,
  type OptionTable,
  type RequestDefinition,
} from '@skylarkmq/protocol'
import type { Command } from 'commander'
import { NotFoundError } from '../command-errors.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { bold, dim, explain as explainError, print } from '../terminal.ts'
import { like } from './names.ts'
import { meaningOf, responseOf } from './response-meanings.ts'

/** Adds `explain`. */
export function addExplainCommand(program: Command): void {
  program
    .command('explain')
    .argument('<word>', 'number or name of a response or request code, or a setting')
    .description('say what a code or a setting means')
    .addHelpText(
      'after',
      `
Examples:
  skylark explain 17
  skylark explain SEND_MESSAGE_V2
  skylark explain flushDiskType`,
    )
    .action((word: string) => {
      try {
        for (const line of linesOf(word)) print(line)
      } catch (error) {
        process.exitCode = exitCodeOf(error)
        explainError(error)
      }
    })
}

/** What is known of a word. Throws CLI_NOT_FOUND. */
function linesOf(word: string): string[] {
  const lines = [...ofResponse(word), ...ofRequest(word), ...ofSetting(word)]
  if (lines.length > 0) return lines
  const near = settingsLike(word)
  throw new NotFoundError(
    `${word} is no code and no setting.`,
    near.length > 0
      ? `Settings with a name like it: ${near.slice(0, 5).join(', ')}.`
      : 'Give a number such as 17, a name such as TOPIC_NOT_EXIST, or a setting such as flushDiskType.',
  )
}

function ofResponse(word: string): string[] {
  const found = responseOf(word)
  if (found === undefined) return []
  const { means, often, look } = meaningOf(found.name) ?? {
    means: 'An answer of Apache RocketMQ.',
  }
  return [
    `${bold(`${found.code} ${found.name}`)}   ${dim('answer')}`,
    `   ${means}`,
    ...(often === undefined ? [] : [`   Often: ${often}`]),
    ...(look === undefined ? [] : [`   Look: ${look}`]),
  ]
}

function ofRequest(word: string): string[] {
  const sides = [
    ['broker', brokerRequests],
    ['name server', namesrvRequests],
  ] as const
  return sides.flatMap(([side, requests]) =>
    (Object.values(requests) as RequestDefinition[])
      .filter(({ code, name }) => String(code) === word || name === word.toUpperCase())
      .flatMap(({ code, name, doc, source }) => [
        `${bold(`${code} ${name}`)}   ${dim(`request to a ${side}`)}`,
        `   ${doc} (${source})`,
      ]),
  )
}

function ofSetting(word: string): string[] {
  const tables = [
    ['broker', allBrokerOptions],
    ['name server', namesrvOptions],
  ] as const
  return tables.flatMap(([side, table]) => {
    const found = Object.entries(table as OptionTable).find(
      ([key]) => key.toLowerCase() === word.toLowerCase(),
    )
    if (found === undefined) return []
    const [key, option] = found
    const unit = option.unit === undefined ? '' : ` ${option.unit}`
    const applies = option.applies === 'live' ? 'while it runs' : 'at a start'
    const effect =
      option.kind === 'ignored' ? 'accepted, without effect' : `takes effect ${applies}`
    return [
      `${bold(key)}   ${dim(`setting of a ${side}`)}`,
      `   ${option.doc}`,
      `   Default ${String(option.default)}${unit}; ${effect}.`,
      ...(option.differs === undefined ? [] : [`   Differs from Apache: ${option.differs}`]),
    ]
  })
}

function settingsLike(word: string): string[] {
  return [...Object.keys(allBrokerOptions), ...Object.keys(namesrvOptions)].filter((key) =>
    like(key, word),
  )
}
