import type { Command } from 'commander'
import { findingsOf } from '../doctor/diagnose.ts'
import { LEVELS, type Finding, type Level } from '../doctor/finding.ts'
import { Exit } from '../exit-codes.ts'
import { inSession, onCluster, type ClusterFlags, type Session } from '../session.ts'
import { counted, dim, green, print, red, terminalWidth, yellow } from '../terminal.ts'

const MARKS: Readonly<Record<Level, string>> = { ok: '✓', warning: '!', problem: '✗' }
const PAINT: Readonly<Record<Level, (text: string) => string>> = {
  ok: green,
  warning: yellow,
  problem: red,
}

/** Adds `doctor`. */
export function addDoctorCommand(program: Command): void {
  onCluster(program.command('doctor'))
    .option('--group <group>', 'look at this consumer group, too')
    .description('look for what keeps clients from working, from where this command runs')
    .addHelpText(
      'after',
      `
Asks each name server, connects to the address that each broker gives to clients, and looks at clocks, disks and
consumer groups. Changes nothing. Exit code 7 when something is wrong.

Examples:
  skylark doctor -n 10.0.0.7:9876
  skylark doctor --group billing -o json`,
    )
    .action((flags: ClusterFlags & { group?: string }) =>
      inSession(flags, (session) => doctor(session, flags.group)),
    )
}

async function doctor(session: Session, group?: string): Promise<number> {
  const findings = await findingsOf(session, group)
  if (session.isForPrograms || terminalWidth() === undefined) {
    await session.show({
      columns: [
        { key: 'level', of: ({ level }) => level },
        { key: 'check', of: ({ check }) => check },
        { key: 'says', of: ({ says }) => says },
        { key: 'remedy', of: ({ remedy }) => remedy },
      ],
      rows: findings,
    })
  } else for (const each of findings) printFinding(each)
  const count = (level: Level): number => findings.filter((each) => each.level === level).length
  if (!session.isForPrograms) {
    session.note(`${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}`)
  }
  return LEVELS.some((level) => level !== 'ok' && count(level) > 0) ? Exit.FOUND : Exit.DONE
}

function printFinding({ level, says, remedy }: Finding): void {
  print(`${PAINT[level](MARKS[level])} ${says}`)
  if (remedy !== undefined) print(dim(`    ${remedy}`))
}
