import { Command } from 'commander'
import { addConfigCommands } from './commands/config.ts'
import { addMessageCommands } from './commands/message.ts'
import { addServerCommands } from './commands/start.ts'
import { addStoreCommands } from './commands/store.ts'
import { VERSION } from './version.ts'

/** The command line with all its commands. */
export function createProgram(): Command {
  const program = new Command('skylark')
    .description(
      'A message queue that speaks RocketMQ: name server, broker and client in one program.',
    )
    .version(VERSION)
    .showHelpAfterError('(skylark --help lists the commands)')
    .showSuggestionAfterError()
  addServerCommands(program)
  addMessageCommands(program)
  addStoreCommands(program)
  addConfigCommands(program)
  return program
}
