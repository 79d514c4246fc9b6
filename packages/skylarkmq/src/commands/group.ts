import type { GroupLag, OffsetChange, QueueLag } from '@skylarkmq/client'
import type { Command } from 'commander'
import { NotFoundError } from '../command-errors.ts'
import { Exit } from '../exit-codes.ts'
import { ageText, countText } from '../output/cells.ts'
import type { Column } from '../output/listing.ts'
import {
  inSession,
  onCluster,
  onClusterChange,
  onClusterList,
  type ClusterFlags,
  type Session,
} from '../session.ts'
import { duration, place, wholeNumber } from './client-flags.ts'
import { isOwnGroup, like } from './names.ts'

interface ListFlags extends ClusterFlags {
  readonly all?: boolean
  readonly like?: string
}

interface LagFlags extends ClusterFlags {
  readonly topic?: string
  readonly all?: boolean
  readonly max?: number
  readonly maxAge?: number
}

interface ShapeFlags extends ClusterFlags {
  readonly retries?: number
  readonly order?: boolean
  readonly broadcast?: boolean
  readonly consume?: boolean
}

interface ResetFlags extends ClusterFlags {
  readonly topic?: string
  readonly to: Date | 'first' | 'last'
}

/** Adds `group`. */
export function addGroupCommands(program: Command): void {
  const group = program
    .command('group')
    .alias('groups')
    .description('list consumer groups, see how far behind they are, reset their offsets')
  addLooks(group)
  addLag(group)
  addChanges(group)
}

function addLooks(group: Command): void {
  onClusterList(group.command('list').alias('ls'))
    .description('list consumer groups')
    .option('--all', 'groups of the system, too')
    .option('--like <text>', 'only names that contain this')
    .action((flags: ListFlags) => inSession(flags, (session) => list(session, flags)))
  onClusterList(group.command('members'))
    .argument('<group>', 'name of the group')
    .description('list the connected members of a group')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => members(session, name)),
    )
  onCluster(group.command('describe'))
    .argument('<group>', 'name of the group')
    .description('show the settings, members and subscriptions of a group')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => describe(session, name)),
    )
  onClusterList(group.command('check'))
    .argument('[group]', 'name of the group; default all')
    .description('find members of a group that subscribe to something else than the others')
    .action((name: string | undefined, flags: ClusterFlags) =>
      inSession(flags, (session) => check(session, name)),
    )
}

async function list(session: Session, flags: ListFlags): Promise<undefined> {
  const all = await session.admin.groups.list()
  const rows = all
    .filter(({ groupName }) => flags.all === true || isOwnGroup(groupName))
    .filter(({ groupName }) => like(groupName, flags.like))
    .sort((one, other) => one.groupName.localeCompare(other.groupName))
  await session.show({
    columns: [
      { key: 'group', of: ({ groupName }) => groupName },
      { key: 'isEnabled', title: 'ENABLED', of: ({ consumeEnable }) => consumeEnable },
      { key: 'isOrdered', title: 'ORDERED', of: (row) => row.consumeMessageOrderly },
      { key: 'retries', kind: 'count', of: ({ retryMaxTimes }) => retryMaxTimes },
      { key: 'retryQueues', title: 'RETRY QUEUES', of: (row) => row.retryQueueNums, isWide: true },
      { key: 'broadcast', of: (row) => row.consumeBroadcastEnable, isWide: true },
    ],
    rows,
    none: 'No groups.',
  })
  return undefined
}

async function members(session: Session, name: string): Promise<undefined> {
  const found = await session.admin.groups.connections(name)
  await session.show({
    columns: [
      { key: 'clientId', title: 'CLIENT', of: ({ clientId }) => clientId },
      { key: 'address', of: ({ clientAddr }) => clientAddr },
      { key: 'language', of: ({ language }) => language },
      { key: 'version', of: ({ version }) => version, isWide: true },
    ],
    rows: found?.connectionSet ?? [],
    none: `No member of ${name} is connected.`,
  })
  return undefined
}

async function describe(session: Session, name: string): Promise<undefined> {
  const { groups } = session.admin
  const [settings, connected, lag] = await Promise.all([
    groups.list(),
    groups.connections(name),
    groups.lag(name),
  ])
  const own = settings.find(({ groupName }) => groupName === name)
  if (own === undefined && connected === undefined) throw missing(name, settings)
  await session.show({
    properties: {
      group: name,
      members: connected?.connectionSet.length ?? 0,
      mode: connected?.messageModel,
      topics: [...(connected?.subscriptionTable ?? [])].map(
        ([topic, { subString }]) => `${topic}:${subString}`,
      ),
      lag: lag.lag,
      consumeTps: Math.round(lag.consumeTps * 10) / 10,
      isEnabled: own?.consumeEnable,
      isOrdered: own?.consumeMessageOrderly,
      retries: own?.retryMaxTimes,
    },
    kinds: { lag: 'count' },
  })
  return undefined
}

async function check(session: Session, name?: string): Promise<number> {
  const all = await session.admin.groups.subscriptions(name)
  const rows = all.flatMap((wanted) => wanted.differing.map((member) => ({ wanted, member })))
  await session.show({
    columns: [
      { key: 'group', of: ({ wanted }) => wanted.group },
      { key: 'topic', of: ({ wanted }) => wanted.topic },
      { key: 'client', of: ({ member }) => member.clientId },
      { key: 'wants', of: ({ member }) => member.expression ?? 'nothing' },
      { key: 'othersWant', title: 'OTHERS WANT', of: ({ wanted }) => wanted.expression },
    ],
    rows,
    none: `All members of ${name ?? 'each group'} want the same.`,
  })
  return rows.length === 0 ? Exit.DONE : Exit.FOUND
}

function addLag(group: Command): void {
  onClusterList(group.command('lag'))
    .argument('<group>', 'name of the group')
    .description('show how far behind a group is, by queue')
    .option('--topic <topic>', 'only this topic')
    .option('--all', 'queues that are not behind, too')
    .option('--max <n>', 'end with code 7 when it is further behind than n messages', wholeNumber)
    .option('--max-age <time>', 'end with code 7 when a message waits longer than this', duration)
    .action((name: string, flags: LagFlags) =>
      inSession(flags, (session) => lagOf(session, name, flags)),
    )
}

async function lagOf(session: Session, name: string, flags: LagFlags): Promise<number> {
  const { groups } = session.admin
  const [lag, connected] = await Promise.all([
    groups.lag(name, flags.topic),
    groups.connections(name),
  ])
  if (lag.queues.length === 0 && connected === undefined) {
    const settings = await groups.list()
    if (!settings.some(({ groupName }) => groupName === name)) throw missing(name, settings)
  }
  const now = session.now()
  const ageOf = (queue: QueueLag): number | undefined =>
    queue.lag > 0 && queue.lastTimestamp > 0 ? now - queue.lastTimestamp : undefined
  const isShown = (queue: QueueLag): boolean =>
    flags.all === true || session.isForPrograms || queue.lag > 0
  const rows = lag.queues.filter(isShown).sort((one, other) => other.lag - one.lag)
  const oldestMs = Math.max(0, ...lag.queues.map((queue) => ageOf(queue) ?? 0))
  const columns: Column<QueueLag>[] = [
    { key: 'topic', of: ({ queue }) => queue.topic },
    { key: 'queue', of: ({ queue }) => `${queue.brokerName}/${queue.queueId}` },
    { key: 'brokerOffset', title: 'BROKER OFFSET', kind: 'count', of: (row) => row.brokerOffset },
    {
      key: 'consumerOffset',
      title: 'CONSUMER OFFSET',
      kind: 'count',
      of: (row) => row.consumerOffset,
    },
    { key: 'lag', title: 'BEHIND', kind: 'count', of: (row) => row.lag },
    { key: 'ageMs', title: 'AGE', kind: 'age', of: ageOf },
  ]
  await session.show({
    columns,
    rows,
    above: headOf(name, lag, connected?.connectionSet.length ?? 0, oldestMs),
    below: belowOf(lag.queues.length - rows.length, name),
    none: 'No queue is behind.',
  })
  const isOver = lag.lag > (flags.max ?? Infinity) || oldestMs > (flags.maxAge ?? Infinity)
  return isOver ? Exit.FOUND : Exit.DONE
}

function headOf(name: string, lag: GroupLag, memberCount: number, oldestMs: number): string {
  const members = memberCount === 1 ? '1 member' : `${memberCount} members`
  const oldest = oldestMs > 0 ? `, oldest ${ageText(oldestMs)}` : ''
  return `${name}   ${members}   ${countText(lag.lag)} behind${oldest}`
}

function belowOf(even: number, name: string): string | undefined {
  if (even === 0) return undefined
  const queues = even === 1 ? '1 more queue is' : `${even} more queues are`
  return `${queues} even.   Next: skylark group describe ${name}`
}

function addChanges(group: Command): void {
  for (const verb of ['create', 'update'] as const) {
    onClusterChange(group.command(verb))
      .argument('<group>', 'name of the group')
      .description(verb === 'create' ? 'create a group on all masters' : 'change a group')
      .option('--retries <n>', 'how often a message is tried again', wholeNumber)
      .option('--order', 'its messages are consumed in order')
      .option('--no-broadcast', 'its members may not each consume everything')
      .option('--no-consume', 'its members get nothing')
      .action((name: string, flags: ShapeFlags) =>
        inSession(flags, (session) => shape(session, name, flags, verb)),
      )
  }
  onClusterChange(group.command('delete'))
    .argument('<group>', 'name of the group')
    .option('--offsets', 'forget what it has consumed, too')
    .description('delete a group on all masters')
    .action((name: string, flags: ClusterFlags & { offsets?: boolean }) =>
      inSession(flags, (session) => remove(session, name, flags.offsets === true)),
    )
  onClusterChange(group.command('reset'))
    .argument('<group>', 'name of the group')
    .option('--topic <topic>', 'only this topic; default all that it consumes')
    .requiredOption('--to <place>', 'first, last, a time, or a span such as -1h', place)
    .description('have a group consume from another place on')
    .action((name: string, flags: ResetFlags) =>
      inSession(flags, (session) => reset(session, name, flags)),
    )
}

async function shape(
  session: Session,
  name: string,
  flags: ShapeFlags,
  verb: 'create' | 'update',
): Promise<undefined> {
  const { groups } = session.admin
  const settings = await groups.list()
  const own = settings.find(({ groupName }) => groupName === name)
  if (verb === 'update' && own === undefined) throw missing(name, settings)
  const { retries, order, broadcast, consume, dryRun } = flags
  const wanted = {
    ...own,
    ...(retries === undefined ? {} : { retryMaxTimes: retries }),
    ...(order === undefined ? {} : { consumeMessageOrderly: order }),
    ...(broadcast === false ? { consumeBroadcastEnable: false } : {}),
    ...(consume === false ? { consumeEnable: false } : {}),
  }
  if (dryRun !== true) await groups.create(name, wanted)
  const done = verb === 'create' ? 'Created' : 'Changed'
  await session.done(
    dryRun === true
      ? `Would ${verb} the group ${name}. Nothing was changed (--dry-run).`
      : `${done} the group ${name}.`,
    { group: name, isDone: dryRun !== true },
  )
  return undefined
}

async function remove(
  session: Session,
  name: string,
  offsets: boolean,
): Promise<number | undefined> {
  const { groups } = session.admin
  const settings = await groups.list()
  if (!settings.some(({ groupName }) => groupName === name)) throw missing(name, settings)
  const what = `the group ${name}${offsets ? ' and its offsets' : ''}`
  return session.change(['delete', 'Deleted'], what, { group: name, offsets }, () =>
    groups.delete(name, { offsets }),
  )
}

async function reset(
  session: Session,
  name: string,
  { topic, to, dryRun }: ResetFlags,
): Promise<number | undefined> {
  const { groups } = session.admin
  const topics = topic === undefined ? await topicsOf(session, name) : [topic]
  const changes: OffsetChange[] = []
  for (const each of topics) {
    changes.push(...(await groups.resetOffsets(name, each, { to, dryRun: true })))
  }
  const moved = changes.filter(({ from, to: then }) => from !== then)
  const sum = (sign: 1 | -1): number =>
    moved.reduce((all, { from, to: then }) => all + Math.max(0, sign * (then - (from ?? then))), 0)
  const effect = `skip ${countText(sum(1))} and repeat ${countText(sum(-1))}`
  const show = async (below: string): Promise<void> => {
    await session.show({ columns: changeColumns, rows: moved, below, none: 'Nothing changes.' })
  }
  if (dryRun === true) {
    await show(`Would ${effect}. Nothing was changed (--dry-run).`)
    return undefined
  }
  if (!(await session.confirm(`This lets ${name} ${effect}.`))) return Exit.REFUSED
  for (const each of topics) await groups.resetOffsets(name, each, { to })
  await show(`Done: ${effect}.`)
  return undefined
}

const changeColumns: Column<OffsetChange>[] = [
  { key: 'topic', of: ({ queue }) => queue.topic },
  { key: 'queue', of: ({ queue }) => `${queue.brokerName}/${queue.queueId}` },
  { key: 'from', title: 'NOW', kind: 'count', of: ({ from }) => from },
  { key: 'to', title: 'THEN', kind: 'count', of: ({ to }) => to },
  {
    key: 'effect',
    of: ({ from, to }) => {
      if (from === undefined) return 'begins'
      return to > from ? `skips ${countText(to - from)}` : `repeats ${countText(from - to)}`
    },
  },
]

/** The topics that a group has offsets of, without that of its retries. */
async function topicsOf(session: Session, name: string): Promise<string[]> {
  const { queues } = await session.admin.groups.lag(name)
  const topics = new Set(queues.map(({ queue }) => queue.topic))
  const own = [...topics].filter((topic) => !topic.startsWith('%RETRY%')).sort()
  if (own.length > 0) return own
  throw new NotFoundError(
    `The group ${name} has not consumed anything.`,
    'Name a topic with --topic to set where it begins.',
  )
}

function missing(name: string, known: readonly { readonly groupName: string }[]): Error {
  const near = known.map(({ groupName }) => groupName).filter((each) => like(each, name))
  const advice =
    near.length === 0
      ? 'List them with skylark group list.'
      : `Did you mean ${near.slice(0, 3).join(' or ')}?`
  return new NotFoundError(`There is no group ${name}.`, advice)
}
