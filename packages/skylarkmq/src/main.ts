import { createProgram } from './program.ts'
import { explain } from './terminal.ts'

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    explain(error)
    process.exit(1)
  })
