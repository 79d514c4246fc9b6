import { Command } from 'commander'
import { addClusterCommands } from './commands/broker.ts'
import { addCompletionCommands } from './commands/completion.ts'
import { addConfigCommands } from './commands/config.ts'
import { addContextCommands } from './commands/context.ts'
import { addDeadLetterCommands } from './commands/dead-letters.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addExplainCommand } from './commands/explain.ts'
import { addFirstMinuteCommands } from './commands/first-minute.ts'
import { addGroupCommands } from './commands/group.ts'
import { addHelpCommand } from './commands/help.ts'
import { addMessageCommands } from './commands/message.ts'
import { addServerCommands } from './commands/start.ts'
import { addStoreCommands } from './commands/store.ts'
import { addTopicCommands } from './commands/topic.ts'
import { addWaitingCommands } from './commands/waiting.ts'
import { VERSION } from './version.ts'

/** The command line with all its commands. What it refuses is thrown as a CommanderError. */
export function createProgram(): Command {
  const program = new Command('skylark')
    .description(
      'A message queue that speaks RocketMQ: name server, broker and client in one program.',
    )
    .version(VERSION)
    .showHelpAfterError('(skylark --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride()
    // `broker` and the commands below it have the same flags: each takes those that follow it.
    .enablePositionalOptions()
  addServerCommands(program)
  addFirstMinuteCommands(program)
  addTopicCommands(program)
  addGroupCommands(program)
  addMessageCommands(program)
  addDeadLetterCommands(program)
  addWaitingCommands(program)
  addClusterCommands(program)
  addConfigCommands(program)
  addStoreCommands(program)
  addDoctorCommand(program)
  addContextCommands(program)
  addExplainCommand(program)
  addCompletionCommands(program)
  addHelpCommand(program)
  return program
}
