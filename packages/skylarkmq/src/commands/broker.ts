import type { Command } from 'commander'
import { NotFoundError, UsageError } from '../command-errors.ts'
import { Exit } from '../exit-codes.ts'
import { nodesOf, type BrokerNode } from '../nodes.ts'
import {
  inSession,
  onCluster,
  onClusterChange,
  onClusterList,
  type ClusterFlags,
  type Session,
} from '../session.ts'
import { duration } from './client-flags.ts'
import { like } from './names.ts'

/** How often a cluster that is waited for is looked at. */
const LOOK_MS = 200

interface Figures extends BrokerNode {
  readonly runtime: ReadonlyMap<string, string> | undefined
}

/** Adds `cluster`. */
export function addClusterCommands(program: Command): void {
  const cluster = program.command('cluster').description('look at a cluster as a whole')
  onClusterList(cluster.command('status'))
    .description('show all brokers with their rates and disks')
    .action((flags: ClusterFlags) => inSession(flags, status))
  onCluster(cluster.command('health'))
    .option('--wait <time>', 'wait this long until it is healthy', duration, 0)
    .description('end with 0 when each broker that is registered answers, else with 7')
    .action((flags: ClusterFlags & { wait: number }) =>
      inSession(flags, (session) => health(session, flags.wait)),
    )
}

/** Adds the commands below `broker`, which runs one when nothing follows. */
export function addBrokerLooks(broker: Command): void {
  onClusterList(broker.command('list').alias('ls'))
    .description('list brokers')
    .action((flags: ClusterFlags) => inSession(flags, status))
  onCluster(broker.command('describe'))
    .argument('<broker>', 'name of the broker')
    .description('show what a broker says of itself')
    .action((name: string, flags: ClusterFlags) =>
      inSession(flags, (session) => describe(session, name)),
    )
}

/** The address of a broker's master, by name. Rejects with CLI_NOT_FOUND; CLI_USAGE when there are several and none is named. */
async function masterOf(session: Session, name?: string): Promise<BrokerNode> {
  const masters = (await nodesOf(session)).filter(({ id }) => id === 0)
  const known = masters.map(({ broker }) => broker)
  if (name === undefined) {
    const [only] = masters
    if (only !== undefined && masters.length === 1) return only
    throw new UsageError(
      `There are ${masters.length} brokers.`,
      `Name one of them: ${known.join(', ')}.`,
    )
  }
  const found = masters.find(({ broker }) => broker === name)
  if (found !== undefined) return found
  const near = known.filter((each) => like(each, name))
  throw new NotFoundError(
    `There is no broker ${name}.`,
    near.length === 0
      ? `There are: ${known.join(', ') || 'none'}.`
      : `Did you mean ${near.join(' or ')}?`,
  )
}

async function figuresOf(session: Session): Promise<Figures[]> {
  return Promise.all(
    (await nodesOf(session)).map(async (node) => ({
      ...node,
      runtime: await session.admin.brokers.runtime(node.address).catch(() => undefined),
    })),
  )
}

async function status(session: Session): Promise<number> {
  const rows = await figuresOf(session)
  const first = (row: Figures, key: string): number | undefined => {
    const [text] = (row.runtime?.get(key) ?? '').split(' ')
    return text === '' || text === undefined ? undefined : Math.round(Number(text) * 10) / 10
  }
  await session.show({
    columns: [
      { key: 'broker', of: ({ broker }) => broker },
      { key: 'cluster', of: ({ cluster }) => cluster },
      { key: 'role', of: ({ id }) => (id === 0 ? 'master' : `slave ${id}`) },
      { key: 'address', of: ({ address }) => address },
      { key: 'version', of: ({ runtime }) => runtime?.get('brokerVersionDesc') },
      { key: 'inPerSec', title: 'IN/S', kind: 'count', of: (row) => first(row, 'putTps') },
      {
        key: 'outPerSec',
        title: 'OUT/S',
        kind: 'count',
        of: (row) => first(row, 'getTransferredTps'),
      },
      { key: 'disk', of: diskOf },
      {
        key: 'startedTimestamp',
        title: 'STARTED',
        kind: 'time',
        isWide: true,
        of: (row) => first(row, 'bootTimestamp'),
      },
      { key: 'state', of: ({ runtime }) => (runtime === undefined ? 'no answer' : 'up') },
    ],
    rows,
    none: `The name server ${session.namesrvAddr} knows no broker.`,
  })
  return rows.some(({ runtime }) => runtime === undefined) ? Exit.FOUND : Exit.DONE
}

function diskOf({ runtime }: Figures): string | undefined {
  const ratio = Number(runtime?.get('commitLogDiskRatio') ?? NaN)
  return Number.isFinite(ratio) ? `${Math.round(ratio * 100)} %` : undefined
}

async function health(session: Session, waitMs: number): Promise<number> {
  const until = session.now() + waitMs
  for (;;) {
    const rows = await figuresOf(session).catch((error: unknown) => {
      if (session.now() >= until) throw error
      return []
    })
    const silent = rows.filter(({ runtime }) => runtime === undefined)
    const isHealthy = rows.length > 0 && silent.length === 0
    if (isHealthy || session.now() >= until) {
      const names = silent.map(({ broker, address }) => `${broker} at ${address}`)
      const says =
        rows.length === 0
          ? `The name server ${session.namesrvAddr} knows no broker.`
          : names.length === 0
            ? `Healthy: ${rows.length === 1 ? '1 broker answers' : `${rows.length} brokers answer`}.`
            : `No answer from ${names.join(', ')}.`
      await session.done(says, { isHealthy, brokers: rows.length, silent: names })
      return isHealthy ? Exit.DONE : Exit.FOUND
    }
    await session.pause(LOOK_MS)
  }
}

async function describe(session: Session, name: string): Promise<undefined> {
  const { broker, cluster, address } = await masterOf(session, name)
  const runtime = await session.admin.brokers.runtime(address)
  const sorted = [...runtime].sort(([one], [other]) => one.localeCompare(other))
  await session.show({ properties: { broker, cluster, address, ...Object.fromEntries(sorted) } })
  return undefined
}

/** Adds `config get` and `config set`. */
export function addBrokerConfigCommands(config: Command): void {
  onCluster(config.command('get'))
    .argument('[key]', 'only this setting, or those whose name contains it')
    .option('--broker <name>', 'name of the broker; not needed when there is one')
    .description('show the settings of a running broker')
    .action((key: string | undefined, flags: ClusterFlags & { broker?: string }) =>
      inSession(flags, (session) => getConfig(session, key, flags.broker)),
    )
  onClusterChange(config.command('set'))
    .argument('<key=value...>', 'settings')
    .option('--broker <name>', 'name of the broker; not needed when there is one')
    .description('change settings of a running broker')
    .action((settings: string[], flags: ClusterFlags & { broker?: string }) =>
      inSession(flags, (session) => setConfig(session, settings, flags.broker)),
    )
}

async function getConfig(session: Session, key?: string, name?: string): Promise<undefined> {
  const { address, broker } = await masterOf(session, name)
  const settings = await session.admin.brokers.config(address)
  const all = [...settings].sort(([one], [other]) => one.localeCompare(other))
  const exact = all.filter(([each]) => each === key)
  const rows = exact.length > 0 ? exact : all.filter(([each]) => like(each, key))
  if (rows.length === 0) {
    throw new NotFoundError(
      `${broker} has no setting ${key ?? ''}.`,
      'List all with skylark config get.',
    )
  }
  await session.show({
    columns: [
      { key: 'key', of: ([each]) => each },
      { key: 'value', of: ([, value]) => value },
    ],
    rows,
  })
  return undefined
}

async function setConfig(
  session: Session,
  settings: readonly string[],
  name?: string,
): Promise<number | undefined> {
  const wanted = settings.map((text) => {
    const equals = text.indexOf('=')
    if (equals < 1) throw new UsageError(`${text} is no setting.`, 'Write key=value.')
    return [text.slice(0, equals), text.slice(equals + 1)] as const
  })
  const { address, broker } = await masterOf(session, name)
  const now = await session.admin.brokers.config(address)
  const changes = wanted.map(([key, value]) => ({ key, from: now.get(key), to: value }))
  const columns = [
    { key: 'key', of: (row: (typeof changes)[number]) => row.key },
    { key: 'from', title: 'NOW', of: (row: (typeof changes)[number]) => row.from },
    { key: 'to', title: 'THEN', of: (row: (typeof changes)[number]) => row.to },
  ]
  if (session.flags.dryRun === true) {
    await session.show({ columns, rows: changes, below: 'Nothing was changed (--dry-run).' })
    return undefined
  }
  const texts = changes.map(({ key, to }) => `${key}=${to}`).join(' ')
  if (!(await session.confirm(`This sets ${texts} on ${broker}.`))) return Exit.REFUSED
  await session.admin.brokers.setConfig(address, Object.fromEntries(wanted))
  await session.show({ columns, rows: changes, below: `Changed on ${broker}.` })
  return undefined
}
