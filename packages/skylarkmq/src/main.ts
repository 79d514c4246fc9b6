import { CommanderError } from 'commander'
import { Exit, exitCodeOf } from './exit-codes.ts'
import { createProgram } from './program.ts'
import { printFailure } from './session.ts'
import { explain } from './terminal.ts'

const isForJson = /(^|\s)(-o|--output)[\s=]*json(\s|$)/.test(process.argv.slice(2).join(' '))

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    if (!(error instanceof CommanderError)) {
      explain(error)
      process.exit(exitCodeOf(error))
    }
    if (error.exitCode === 0) return
    // Its text is on standard error already.
    if (isForJson) printFailure({ code: 'CLI_USAGE', message: error.message }, 'json')
    process.exitCode = Exit.USAGE
  })
