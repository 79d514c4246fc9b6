import type { Command } from 'commander'
import { Exit } from '../exit-codes.ts'
import {
  inSession,
  onCluster,
  onClusterChange,
  onClusterList,
  type ClusterFlags,
  type Session,
} from '../session.ts'
import { counted } from '../terminal.ts'
import { browse, browseFlags, browsing, choiceFlags } from './message.ts'

interface ReplayFlags extends ClusterFlags {
  readonly topic?: string
  readonly from?: Date
  readonly to?: Date
  readonly tag?: string
  readonly sql?: string
  readonly text?: string
  readonly id?: readonly string[]
}

/** Adds `dlq`. */
export function addDeadLetterCommands(program: Command): void {
  const dlq = program.command('dlq').description('browse dead letters and send them again')
  onClusterList(dlq.command('list').alias('ls'))
    .description('list the groups that have dead letters')
    .action((flags: ClusterFlags) => inSession(flags, list))
  browseFlags(onCluster(dlq.command('browse')).argument('<group>', 'name of the group'))
    .description('list the dead letters of a group, oldest first')
    .action((group: string, flags: ReplayFlags & { count: number }) =>
      inSession(flags, (session) =>
        browse(session, session.admin.deadLetters.list(group, browsing(flags)), flags),
      ),
    )
  choiceFlags(onClusterChange(dlq.command('replay')).argument('<group>', 'name of the group'))
    .option('--topic <topic>', 'send them to this topic; default the one they were sent to first')
    .option('--id <id>', 'only this message; may be repeated', (id: string, all?: string[]) => [
      ...(all ?? []),
      id,
    ])
    .description('send the dead letters of a group again; they stay where they are')
    .action((group: string, flags: ReplayFlags) =>
      inSession(flags, (session) => replay(session, group, flags)),
    )
}

async function list(session: Session): Promise<undefined> {
  const { topics } = session.admin
  const names = (await topics.list()).filter((name) => name.startsWith('%DLQ%'))
  const rows = await Promise.all(
    names.map(async (name) => {
      const stats = await topics.stats(name)
      return {
        group: name.slice('%DLQ%'.length),
        messages: stats.reduce((sum, each) => sum + each.maxOffset - each.minOffset, 0),
        last: Math.max(0, ...stats.map(({ lastUpdateTimestamp }) => lastUpdateTimestamp)),
      }
    }),
  )
  await session.show({
    columns: [
      { key: 'group', of: ({ group }) => group },
      { key: 'messages', kind: 'count', of: ({ messages }) => messages },
      { key: 'lastTimestamp', title: 'LAST', kind: 'time', of: ({ last }) => last },
    ],
    rows: rows.filter(({ messages }) => messages > 0),
    none: 'No group has dead letters.',
  })
  return undefined
}

async function replay(
  session: Session,
  group: string,
  flags: ReplayFlags,
): Promise<number | undefined> {
  const { topic, text, id, dryRun } = flags
  const options = {
    ...browsing(flags),
    ...(topic === undefined ? {} : { topic }),
    filter: (message: { body: Buffer; msgId: string }) =>
      (text === undefined || message.body.includes(text)) &&
      (id === undefined || id.includes(message.msgId)),
  }
  const { deadLetters } = session.admin
  const would = await deadLetters.replay(group, { ...options, dryRun: true })
  const counts = { group, replayed: would.replayed, skipped: would.skipped }
  const letters = (n: number): string => `${counted(n, 'dead letter')} of ${group}`
  if (dryRun === true || would.replayed === 0) {
    await session.done(`Would send ${letters(would.replayed)} again.`, {
      ...counts,
      isDone: false,
    })
    return undefined
  }
  if (!(await session.confirm(`This sends ${letters(would.replayed)} again.`))) {
    return Exit.REFUSED
  }
  const { replayed, skipped } = await deadLetters.replay(group, options)
  await session.done(`Sent ${letters(replayed)} again.`, {
    group,
    replayed,
    skipped,
    isDone: true,
  })
  return undefined
}
