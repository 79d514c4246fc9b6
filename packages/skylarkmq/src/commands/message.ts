import type { ReceivedMessage } from '@skylarkmq/client'
import type { Command } from 'commander'
import { NotFoundError } from '../command-errors.ts'
import { ageText } from '../output/cells.ts'
import { inSession, onCluster, type ClusterFlags, type Session } from '../session.ts'
import { count, time } from './client-flags.ts'
import { MESSAGE_KINDS, messageColumns, messageSheet } from './message-columns.ts'

interface FindFlags extends ClusterFlags {
  readonly topic: string
  readonly key: string
  readonly count: number
}

interface BrowseFlags extends ClusterFlags {
  readonly from?: Date
  readonly to?: Date
  readonly tag?: string
  readonly sql?: string
  readonly text?: string
  readonly count: number
}

const BROWSED = 100

/** Adds `message`. */
export function addMessageCommands(program: Command): void {
  const message = program
    .command('message')
    .alias('messages')
    .description('find messages, browse topics, see what became of a message')
  onCluster(message.command('get'))
    .argument('<id>', 'id that the producer got, or offset id')
    .requiredOption('--topic <topic>', 'the topic it was sent to')
    .description('show one message')
    .action((id: string, flags: FindFlags) =>
      inSession(flags, (session) => get(session, id, flags)),
    )
  onCluster(message.command('find'))
    .requiredOption('--topic <topic>', 'the topic')
    .requiredOption('--key <key>', 'one of the keys of the messages')
    .option('--count <n>', 'so many of each broker at most', count, 32)
    .description('find messages by key')
    .action((flags: FindFlags) => inSession(flags, (session) => find(session, flags)))
  browseFlags(onCluster(message.command('browse')).argument('<topic>', 'the topic'))
    .description('list the messages of a topic in the order in which they were stored')
    .action((topic: string, flags: BrowseFlags) =>
      inSession(flags, (session) =>
        browse(session, session.admin.messages.browse(topic, browsing(flags)), flags),
      ),
    )
  onCluster(message.command('life'))
    .argument('<id>', 'id that the producer got, or offset id')
    .requiredOption('--topic <topic>', 'the topic it was sent to')
    .description('show which groups consumed a message, wait for it, or gave it up')
    .action((id: string, flags: FindFlags) =>
      inSession(flags, (session) => life(session, id, flags)),
    )
}

/** Flags of what lists messages. */
export function browseFlags(command: Command): Command {
  return choiceFlags(command).option('--count <n>', 'so many at most', count, BROWSED)
}

/** Flags that choose messages. */
export function choiceFlags(command: Command): Command {
  return command
    .option('--from <time>', 'stored at this time or later', time)
    .option('--to <time>', 'stored at this time or earlier', time)
    .option('--tag <expression>', 'with these tags, such as "paid || refunded"')
    .option('--sql <expression>', 'for which this SQL92 expression holds')
    .option('--text <text>', 'whose body contains this')
}

/** What the SDK is told of such flags. */
export function browsing({ from, to, tag, sql }: Pick<BrowseFlags, 'from' | 'to' | 'tag' | 'sql'>) {
  return { from, to, expression: sql === undefined ? tag : { sql } }
}

/** Lists messages as they are read, as many as the flags want. */
export async function browse(
  session: Session,
  messages: AsyncIterable<ReceivedMessage>,
  { text, count: most }: Pick<BrowseFlags, 'text' | 'count'>,
): Promise<undefined> {
  const rows: ReceivedMessage[] = []
  let hasMore = false
  for await (const each of messages) {
    if (text !== undefined && !each.body.includes(text)) continue
    hasMore = rows.length === most
    if (hasMore) break
    rows.push(each)
  }
  await session.show({
    columns: messageColumns,
    rows,
    none: 'No messages.',
    below: hasMore ? `More than ${most}; --count lists more, --from begins later.` : undefined,
  })
  return undefined
}

async function get(session: Session, id: string, { topic }: FindFlags): Promise<undefined> {
  const found = await session.admin.messages.get(topic, id)
  if (found === undefined) throw missing(id, topic)
  await session.show({ properties: messageSheet(found), kinds: MESSAGE_KINDS })
  return undefined
}

async function find(session: Session, flags: FindFlags): Promise<undefined> {
  const { topic, key, count: maxNum } = flags
  const rows = await session.admin.messages.query(topic, key, { maxNum })
  if (rows.length === 0) {
    throw new NotFoundError(
      `No message of ${topic} has the key ${key}.`,
      'Messages are found by key for as long as the broker keeps its index.',
    )
  }
  await session.show({ columns: messageColumns, rows })
  return undefined
}

async function life(session: Session, id: string, { topic }: FindFlags): Promise<undefined> {
  const found = await session.admin.messages.life(topic, id)
  if (found === undefined) throw missing(id, topic)
  const { message, groups } = found
  const age = ageText(session.now() - message.storeTimestamp)
  await session.show({
    columns: [
      { key: 'group', of: ({ group }) => group },
      { key: 'track', title: 'STATE', of: ({ track, isDead }) => (isDead ? 'dead' : track) },
      { key: 'retries', kind: 'count', of: ({ retries }) => retries },
    ],
    rows: groups,
    above: `${message.msgId} of ${message.topic}, stored ${age} ago`,
    none: 'No group consumes this topic.',
  })
  return undefined
}

function missing(id: string, topic: string): Error {
  return new NotFoundError(
    `${topic} has no message ${id}.`,
    'Ids of producers are looked for among the messages of the last three days.',
  )
}
