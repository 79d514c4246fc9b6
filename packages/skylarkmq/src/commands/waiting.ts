import type { Command } from 'commander'
import { inSession, onClusterList, type ClusterFlags, type Session } from '../session.ts'

/** Apache's levels, which brokers have unless their messageDelayLevel says otherwise. */
const LEVELS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h'.split(' ')

/** Adds `delay` and `tx`. */
export function addWaitingCommands(program: Command): void {
  const delay = program.command('delay').description('see delayed messages that wait')
  onClusterList(delay.command('list').alias('ls'))
    .description('count the messages that wait for their time, by topic and by level')
    .action((flags: ClusterFlags) => inSession(flags, waiting))
  const tx = program.command('tx').description('see transactions that are open')
  onClusterList(tx.command('list').alias('ls'))
    .description('list half messages that were neither committed nor rolled back')
    .action((flags: ClusterFlags) => inSession(flags, open))
}

async function waiting(session: Session): Promise<undefined> {
  const brokers = await session.admin.delayed.waiting()
  const rows = brokers.flatMap(({ brokerName, timed, byLevel, lateMs }) => [
    ...[...(timed ?? [])].map(([topic, count]) => ({ brokerName, what: topic, count, lateMs })),
    ...[...byLevel].map(([level, count]) => {
      const length = LEVELS[level - 1]
      const what = `level ${level}${length === undefined ? '' : ` (${length})`}`
      return { brokerName, what, count, lateMs: undefined }
    }),
  ])
  await session.show({
    columns: [
      { key: 'what', title: 'TOPIC OR LEVEL', of: ({ what }) => what },
      { key: 'broker', of: ({ brokerName }) => brokerName },
      { key: 'messages', kind: 'count', of: ({ count }) => count },
      { key: 'lateMs', title: 'LATE', kind: 'age', of: ({ lateMs }) => lateMs, isWide: true },
    ],
    rows,
    none: 'No delayed message waits.',
  })
  return undefined
}

async function open(session: Session): Promise<undefined> {
  const rows = await session.admin.transactions.open()
  const now = session.now()
  await session.show({
    columns: [
      { key: 'msgId', title: 'ID', of: ({ msgId }) => msgId },
      { key: 'topic', of: ({ topic }) => topic },
      { key: 'producerGroup', title: 'PRODUCERS', of: ({ producerGroup }) => producerGroup },
      { key: 'broker', of: ({ brokerName }) => brokerName },
      { key: 'ageMs', title: 'AGE', kind: 'age', of: ({ bornTimestamp }) => now - bornTimestamp },
      { key: 'checkTimes', title: 'CHECKED', kind: 'count', of: ({ checkTimes }) => checkTimes },
    ],
    rows,
    none: 'No transaction is open.',
  })
  return undefined
}
