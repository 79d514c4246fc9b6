import type { Command } from 'commander'
import { UsageError } from '../command-errors.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { explain, print } from '../terminal.ts'

const PAGES: Readonly<Record<string, string>> = {
  exit: `Exit codes
    0  done
    1  the server refused or failed
    2  wrong use: a flag, an argument or a value
    3  not found: a topic, a group, a message, a broker
    4  a name server or a broker cannot be reached
    5  the account may not do this
    6  some of it was done
    7  a check found something: group lag --max, group check, cluster health
  124  a server did not answer in time
  130  interrupted

store check, store repair and config check have codes of their own; see their help.`,
  formats: `Formats (-o)
  table   columns for people; in a pipe separated by tabs, uncut, numbers without separators
  wide    the same with more columns
  json    one document, also for a failure: {"error": {"code", "title", "detail", "advice"}}
  jsonl   one object per line
  yaml    the same as json
  csv     RFC 4180
  name    the names alone, one per line

Times are local; --utc prints UTC. In json, yaml and csv they are milliseconds since 1970.
Colours and cut columns appear on a terminal only; NO_COLOR turns colours off.`,
  addresses: `Which cluster is asked, the first of these that is given:
  -n, --namesrv-addr HOST:PORT[;HOST:PORT…]
  --context NAME           a context kept by skylark context add
  NAMESRV_ADDR             as for mqadmin
  the context in use       skylark context use NAME
  127.0.0.1:9876

Brokers are found by their name server. They must be reachable at the addresses that they told it.`,
  times: `Times
  2026-01-31T12:00    local time; with Z at the end, UTC
  12:00               today
  1767182400000       milliseconds since 1970
  -1h, -30m, -2d      before now
Lengths of time: 90s, 10m, 1h30m, 2d.`,
}

/** Adds `help`, with its pages. */
export function addHelpCommand(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .argument('[words...]', `a command, or one of ${Object.keys(PAGES).join(', ')}`)
    .description('show help for a command or on a subject')
    .action((words: string[]) => {
      const page = PAGES[words[0] ?? '']
      if (page !== undefined) {
        print(page)
        return
      }
      let command = program
      for (const word of words) {
        const next = command.commands.find(
          (each) => each.name() === word || each.aliases().includes(word),
        )
        if (next === undefined) {
          const error = new UsageError(
            `There is no command or subject ${words.join(' ')}.`,
            `Subjects: ${Object.keys(PAGES).join(', ')}. Commands: skylark --help.`,
          )
          process.exitCode = exitCodeOf(error)
          explain(error)
          return
        }
        command = next
      }
      command.outputHelp()
    })
}
