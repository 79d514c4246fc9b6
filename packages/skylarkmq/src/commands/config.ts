import { examineConfigFile, type SettingNote } from '@skylarkmq/server'
import { SkylarkError } from '@skylarkmq/protocol'
import type { Command } from 'commander'
import { addBrokerConfigCommands } from './broker.ts'
import { bold, counted, dim, explain, print, red, yellow } from '../terminal.ts'

/** Flags of `config check`. */
interface CheckFlags {
  namesrv?: boolean
  json?: boolean
}

/** Exit code of a command that could not check. */
const CANNOT_LOOK = 2

/** Adds `config` with `check`. */
export function addConfigCommands(program: Command): void {
  const config = program
    .command('config')
    .description('check configuration files, see and change settings of a running broker')
  addBrokerConfigCommands(config)
  config
    .command('check')
    .argument('<file>', "Apache's broker.conf, or namesrv.conf with --namesrv")
    .description('list unknown keys, keys without effect and invalid values, with their lines')
    .option('--namesrv', 'the file belongs to a name server')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Exit code: 0 no errors, 1 unknown keys or invalid values, 2 the file could not be read.
Lines that are not errors are listed with a reason: keys without effect, values that are adjusted (adjusted),
comments behind a value, and keys that a later line sets again (repeated).

Examples:
  skylark config check broker.conf
  skylark config check namesrv.conf --namesrv --json`,
    )
    .action((file: string, flags: CheckFlags) => {
      process.exitCode = check(file, flags)
    })
}

function check(file: string, flags: CheckFlags): number {
  let notes: readonly SettingNote[]
  try {
    notes = examineConfigFile(file, flags.namesrv === true ? 'namesrv' : 'broker')
  } catch (error) {
    if (!(error instanceof SkylarkError)) throw error
    explain(error)
    return CANNOT_LOOK
  }
  const isSound = !notes.some(({ kind }) => kind === 'unknown' || kind === 'bad')
  if (flags.json === true) print(JSON.stringify({ file, isSound, notes }, null, 2))
  else printNotes(file, notes)
  return isSound ? 0 : 1
}

const WORDS = {
  unknown: red('unknown key'),
  bad: red('bad value'),
  ignored: dim('no effect'),
  comment: yellow('comment'),
  adjusted: yellow('adjusted'),
  repeated: yellow('repeated'),
}

function printNotes(file: string, notes: readonly SettingNote[]): void {
  for (const { kind, key, line, says } of notes) {
    print(`${WORDS[kind]}  line ${line}, ${bold(key)}: ${says}`)
  }
  const count = (kind: SettingNote['kind']): number =>
    notes.filter((each) => each.kind === kind).length
  const unknown = counted(count('unknown'), 'unknown key')
  const bad = counted(count('bad'), 'bad value')
  print(`${file}: ${unknown}, ${bad}, ${counted(count('ignored'), 'key')} without effect`)
}
