import { textOfThrown } from '@skylarkmq/env'
import type { Session } from '../session.ts'
import { nodesOf, type BrokerNode } from '../nodes.ts'
import { failure } from './failure.ts'
import { bad, good, warn, type Finding } from './finding.ts'

/** Clocks may differ by so much. */
const SKEW_MS = 5_000
const DISK_NEARLY_FULL = 0.85
/** From here on Apache's brokers and ours refuse messages, unless diskSpaceWarningLevelRatio says otherwise. */
const DISK_FULL = 0.9
const UPTIME = /(\d+) days?, (\d+) hours?, (\d+) minutes?, (\d+) seconds?/

/** Connects to each address that brokers give to clients, and looks at what they say of themselves. */
export async function brokerFindings(session: Session): Promise<Finding[]> {
  const nodes = await nodesOf(session)
  const findings = await Promise.all(nodes.map((node) => look(session, node)))
  const names = new Set(nodes.map(({ broker }) => broker))
  for (const broker of names) {
    if (nodes.some((node) => node.broker === broker && node.id === 0)) continue
    findings.push([
      bad(
        'no master',
        `${broker} has no master: nothing can be sent to it`,
        'Start its master (brokerId=0).',
      ),
    ])
  }
  return findings.flat()
}

async function look(session: Session, node: BrokerNode): Promise<Finding[]> {
  const { broker, address, id } = node
  const what = `${broker}${id === 0 ? '' : ` (slave ${id})`}`
  const began = session.now()
  try {
    await session.dial(address)
  } catch (error) {
    return [unreachable(what, address, error)]
  }
  const ms = session.now() - began
  try {
    const runtime = await session.admin.brokers.runtime(address)
    return [
      good(
        'broker',
        `${what} answers at ${address}, the address that clients are given (${ms} ms)`,
      ),
      ...clockFindings(session.now(), what, runtime),
      ...diskFindings(what, runtime),
    ]
  } catch (error) {
    const { says, remedy } = failure(error, `${what} at ${address}`, 'broker')
    return [bad('broker', says, remedy)]
  }
}

function unreachable(what: string, address: string, error: unknown): Finding {
  const text = textOfThrown(error)
  if (/ECONNREFUSED/.test(text)) {
    return bad(
      'broker',
      `${what} says clients must connect to ${address}; from here that is refused`,
      'The broker is down or listens on another port or address: start it, or set listenPort and brokerIP1 in its broker.conf to what clients reach. A broker that is gone leaves the list within two minutes.',
    )
  }
  return bad(
    'broker',
    `${what} says clients must connect to ${address}; from here that fails: ${text}`,
    'Set brokerIP1 in its broker.conf to the address that clients reach, restart it, and run doctor again. Unset, it is the address of a network card, in a container that of the container.',
  )
}

function clockFindings(now: number, what: string, runtime: ReadonlyMap<string, string>): Finding[] {
  const boot = Number(runtime.get('bootTimestamp') ?? NaN)
  const uptime = UPTIME.exec(runtime.get('runtime') ?? '')
  if (uptime === null || !Number.isFinite(boot)) return []
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = uptime.slice(1).map(Number)
  const clock = boot + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000
  const aheadMs = clock - now
  if (Math.abs(aheadMs) <= SKEW_MS) return []
  const seconds1 = Math.round(Math.abs(aheadMs) / 1_000)
  return [
    warn(
      'clock',
      `the clock of ${what} is ${seconds1} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this host's`,
      'Let both follow the same time server (NTP): delayed messages, offsets by time and retention go by the clock of the broker.',
    ),
  ]
}

function diskFindings(what: string, runtime: ReadonlyMap<string, string>): Finding[] {
  const ratio = Number(runtime.get('commitLogDiskRatio') ?? NaN)
  if (!(ratio >= DISK_NEARLY_FULL)) return []
  const says = `the disk of ${what} is ${Math.round(ratio * 100)} % full`
  const remedy =
    'Free space, lower fileReservedTime, or move the store to a larger disk. Messages are refused at 90 % (diskSpaceWarningLevelRatio).'
  return [ratio >= DISK_FULL ? bad('disk', says, remedy) : warn('disk', says, remedy)]
}
