import type { Command } from 'commander'
import { addContext, readContexts, removeContext, useContext } from '../contexts.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { FORMATS, textOf, type Format } from '../output/formats.ts'
import { printFailure } from '../session.ts'
import { print, terminalWidth } from '../terminal.ts'
import { Option } from 'commander'

/** Adds `context`. */
export function addContextCommands(program: Command): void {
  const context = program
    .command('context')
    .description('keep the addresses of several clusters by name')
  context
    .command('add')
    .argument('<name>', 'name of the context')
    .requiredOption('-n, --namesrv-addr <addresses>', 'name servers, host:port joined by ;')
    .description('add a context or change it; the first one is used from then on')
    .action((name: string, { namesrvAddr }: { namesrvAddr: string }) => {
      attempt('table', () => {
        addContext({ name, namesrvAddr })
        print(`Added ${name} (${namesrvAddr}).`)
      })
    })
  context
    .command('use')
    .argument('<name>', 'name of the context')
    .description('use a context wherever neither -n nor NAMESRV_ADDR is given')
    .action((name: string) => {
      attempt('table', () => {
        useContext(name)
        print(`Using ${name}.`)
      })
    })
  context
    .command('remove')
    .alias('rm')
    .argument('<name>', 'name of the context')
    .description('forget a context')
    .action((name: string) => {
      attempt('table', () => {
        removeContext(name)
        print(`Removed ${name}.`)
      })
    })
  context
    .command('list')
    .alias('ls')
    .addOption(
      new Option('-o, --output <format>', 'how to print the result')
        .choices(FORMATS)
        .default('table'),
    )
    .description('list contexts')
    .action(async ({ output }: { output: Format }) => {
      await list(output)
    })
}

async function list(format: Format): Promise<void> {
  try {
    const { current, contexts } = readContexts()
    const text = await textOf(
      {
        columns: [
          { key: 'name', of: ({ name }) => name },
          { key: 'namesrvAddr', title: 'NAME SERVERS', of: ({ namesrvAddr }) => namesrvAddr },
          { key: 'isCurrent', title: 'IN USE', of: ({ name }) => name === current },
        ],
        rows: contexts,
        none: 'No contexts. Add one with skylark context add NAME -n HOST:PORT.',
      },
      { format, width: terminalWidth(), isUtc: false },
    )
    print(text)
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    printFailure(error, format)
  }
}

function attempt(format: Format, act: () => void): void {
  try {
    act()
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    printFailure(error, format)
  }
}
