import { Perm } from '@skylarkmq/client'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Column } from '../output/listing.ts'
import {
  inSession,
  onCluster,
  onClusterChange,
  onClusterList,
  type ClusterFlags,
  type Session,
} from '../session.ts'
import { counted } from '../terminal.ts'
import { count } from './client-flags.ts'
import { kindOfTopic, like, topicKinds } from './names.ts'

interface ListFlags extends ClusterFlags {
  readonly all?: boolean
  readonly like?: string
}

interface ShapeFlags extends ClusterFlags {
  readonly queues: number
  readonly perm: string
  readonly type?: string
  readonly cluster?: string
  readonly order?: boolean
  readonly attribute?: readonly string[]
}

const TYPES = ['normal', 'fifo', 'delay', 'transaction', 'mixed'] as const

/** Adds `topic`. */
export function addTopicCommands(program: Command): void {
  const topic = program
    .command('topic')
    .alias('topics')
    .description('list, create, describe and delete topics')
  addList(topic)
  addLooks(topic)
  addChanges(topic)
}

function addList(topic: Command): void {
  onClusterList(topic.command('list').alias('ls'))
    .description('list topics')
    .option('--all', 'topics of the system, of retries and of dead letters, too')
    .option('--like <text>', 'only names that contain this')
    .action((flags: ListFlags) => inSession(flags, (session) => list(session, flags)))
}

async function list(session: Session, flags: ListFlags): Promise<undefined> {
  const [all, kindOf] = await Promise.all([session.admin.topics.list(), topicKinds(session.admin)])
  const rows = all.filter(
    (name) => (flags.all === true || kindOf(name) === 'own') && like(name, flags.like),
  )
  const hidden = all.length - rows.length
  await session.show({
    columns: [
      { key: 'topic', of: (name: string) => name },
      { key: 'kind', of: kindOf },
    ],
    rows,
    none: 'No topics.',
    below: hidden > 0 && flags.all !== true ? `${hidden} more; --all lists them.` : undefined,
  })
  return undefined
}

function addLooks(topic: Command): void {
  onClusterList(topic.command('describe'))
    .argument('<topic>', 'name of the topic')
    .description('show a topic: brokers, messages, consumer groups')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => describe(session, name)),
    )
  onClusterList(topic.command('queues'))
    .argument('<topic>', 'name of the topic')
    .description('show the queues of a topic with their offsets')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => queues(session, name)),
    )
  onCluster(topic.command('route'))
    .argument('<topic>', 'name of the topic')
    .description('show the brokers of a topic with their addresses and permissions')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => route(session, name)),
    )
  onClusterList(topic.command('groups'))
    .argument('<topic>', 'name of the topic')
    .description('list the groups that consume a topic, with how far behind they are')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => groups(session, name)),
    )
}

async function describe(session: Session, name: string): Promise<undefined> {
  const { topics } = session.admin
  const [stats, known, consumers] = await Promise.all([
    topics.stats(name),
    topics.route(name),
    topics.groups(name),
  ])
  const times = stats.map(({ lastUpdateTimestamp }) => lastUpdateTimestamp)
  await session.show({
    properties: {
      topic: name,
      kind: kindOfTopic(name),
      brokers: (known?.brokerDatas ?? []).map(({ brokerName }) => brokerName),
      queues: stats.length,
      messages: stats.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0),
      lastMessage: Math.max(0, ...times),
      groups: consumers.filter((group) => group !== name),
    },
    kinds: { messages: 'count', lastMessage: 'time' },
  })
  return undefined
}

async function queues(session: Session, name: string): Promise<undefined> {
  const stats = await session.admin.topics.stats(name)
  const rows = [...stats].sort(
    (one, other) =>
      one.queue.brokerName.localeCompare(other.queue.brokerName) ||
      one.queue.queueId - other.queue.queueId,
  )
  type Row = (typeof rows)[number]
  const columns: Column<Row>[] = [
    { key: 'queue', of: ({ queue }) => `${queue.brokerName}/${queue.queueId}` },
    { key: 'minOffset', title: 'MIN OFFSET', kind: 'count', of: (row) => row.minOffset },
    { key: 'maxOffset', title: 'MAX OFFSET', kind: 'count', of: (row) => row.maxOffset },
    { key: 'messages', kind: 'count', of: (row) => row.maxOffset - row.minOffset },
    {
      key: 'lastUpdateTimestamp',
      title: 'LAST MESSAGE',
      kind: 'time',
      of: (row) => row.lastUpdateTimestamp,
    },
  ]
  await session.show({ columns, rows })
  return undefined
}

async function route(session: Session, name: string): Promise<undefined> {
  const found = await session.admin.topics.route(name)
  if (found === undefined) return missing(session, name)
  const rows = found.brokerDatas.flatMap((broker) =>
    [...broker.brokerAddrs].map(([brokerId, address]) => ({ broker, brokerId, address })),
  )
  const of = (brokerName: string) => found.queueDatas.find((data) => data.brokerName === brokerName)
  await session.show({
    columns: [
      { key: 'broker', of: ({ broker }) => broker.brokerName },
      { key: 'cluster', of: ({ broker }) => broker.cluster },
      {
        key: 'role',
        of: ({ brokerId }) => (brokerId === 0 ? 'master' : `slave ${brokerId}`),
      },
      { key: 'address', of: ({ address }) => address },
      {
        key: 'readQueues',
        title: 'READ',
        of: ({ broker }) => of(broker.brokerName)?.readQueueNums,
      },
      {
        key: 'writeQueues',
        title: 'WRITE',
        of: ({ broker }) => of(broker.brokerName)?.writeQueueNums,
      },
      { key: 'perm', of: ({ broker }) => permText(of(broker.brokerName)?.perm ?? 0) },
    ],
    rows,
  })
  return undefined
}

async function groups(session: Session, name: string): Promise<undefined> {
  const { topics, groups: all } = session.admin
  const names = (await topics.groups(name)).filter((group) => group !== name)
  const rows = await Promise.all(
    names.map(async (group) => {
      const [lag, members] = await Promise.all([all.lag(group, name), all.connections(group)])
      return { group, lag: lag.lag, members: members?.connectionSet.length ?? 0 }
    }),
  )
  await session.show({
    columns: [
      { key: 'group', of: ({ group }) => group },
      { key: 'members', kind: 'count', of: ({ members }) => members },
      { key: 'lag', title: 'BEHIND', kind: 'count', of: ({ lag }) => lag },
    ],
    rows,
    none: `No group consumes ${name}.`,
  })
  return undefined
}

function addChanges(topic: Command): void {
  shape(onClusterChange(topic.command('create')).argument('<topic>', 'name of the topic'))
    .description('create a topic on all masters, or those of a cluster')
    .action((name: string, flags: ShapeFlags) =>
      inSession(flags, (session) => create(session, name, flags)),
    )
  shape(onClusterChange(topic.command('update')).argument('<topic>', 'name of the topic'))
    .description('change a topic that is there')
    .action((name: string, flags: ShapeFlags) =>
      inSession(flags, async (session) => {
        await session.admin.topics.queues(name)
        return create(session, name, flags)
      }),
    )
  onClusterChange(topic.command('delete'))
    .argument('<topic>', 'name of the topic')
    .description('delete a topic with all its messages')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => remove(session, name)),
    )
}

function shape(command: Command): Command {
  return command
    .option('--queues <n>', 'queues on each broker', count, 8)
    .addOption(
      new Option('--perm <perm>', 'what clients may do').choices(['rw', 'r', 'w']).default('rw'),
    )
    .addOption(new Option('--type <type>', 'which messages it takes').choices(TYPES))
    .option('--cluster <name>', 'only on the masters of this cluster')
    .option('--order', 'its queues keep number and order while brokers come and go')
    .option('--attribute <+key=value>', 'an attribute; may be repeated', attribute)
}

async function create(
  session: Session,
  name: string,
  { queues: count, perm, type, cluster, order, attribute: attributes = [], dryRun }: ShapeFlags,
): Promise<undefined> {
  const masters = await session.admin.brokers.masters(cluster)
  const all = [
    ...attributes,
    ...(type === undefined ? [] : [`+message.type=${type.toUpperCase()}`]),
  ]
  if (dryRun !== true) {
    await session.admin.topics.create(name, {
      queues: count,
      perm: permOf(perm),
      ...(cluster === undefined ? {} : { cluster }),
      ...(order === true ? { order } : {}),
      ...(all.length === 0 ? {} : { attributes: all.join(',') }),
    })
  }
  const brokers = masters.map(({ brokerName }) => brokerName)
  const on = `with ${count} queues on each of ${brokers.join(', ')}`
  await session.done(
    dryRun === true
      ? `Would create ${name} ${on}. Nothing was changed (--dry-run).`
      : `Created ${name} ${on}.`,
    { topic: name, queues: count, perm, brokers, isDone: dryRun !== true },
  )
  return undefined
}

async function remove(session: Session, name: string): Promise<number | undefined> {
  const { topics } = session.admin
  const [stats, consumers] = await Promise.all([topics.stats(name), topics.groups(name)])
  const messages = stats.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0)
  const groupNames = consumers.filter((group) => group !== name)
  const consumedBy = counted(groupNames.length, 'group')
  const what = `${name} with ${counted(messages, 'message')}, consumed by ${consumedBy}`
  const result = { topic: name, messages, groups: groupNames }
  return session.change(['delete', 'Deleted'], what, result, () => topics.delete(name))
}

/** Rejects with RMQ_TOPIC_NOT_FOUND, which names the topics that may have been meant. */
async function missing(session: Session, name: string): Promise<undefined> {
  await session.admin.topics.queues(name)
  return undefined
}

function permOf(text: string): number {
  return (text.includes('r') ? Perm.READ : 0) | (text.includes('w') ? Perm.WRITE : 0)
}

function permText(perm: number): string {
  return `${(perm & Perm.READ) !== 0 ? 'r' : '-'}${(perm & Perm.WRITE) !== 0 ? 'w' : '-'}`
}

function attribute(text: string, before: readonly string[] = []): string[] {
  if (!/^[+-][\w.]+(=.*)?$/.test(text)) {
    throw new InvalidArgumentError('Write +key=value to set an attribute, or -key to remove it.')
  }
  return [...before, text]
}
