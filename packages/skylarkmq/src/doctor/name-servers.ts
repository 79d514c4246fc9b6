import { AdminClient } from '@skylarkmq/client'
import type { Session } from '../session.ts'
import { failure } from './failure.ts'
import { bad, good, warn, type Finding } from './finding.ts'

/** Asks each name server by itself, and compares what they say. */
export async function nameServerFindings(session: Session): Promise<Finding[]> {
  const addresses = session.namesrvAddr.split(/[;,]/).map((each) => each.trim())
  const seen = await Promise.all(addresses.map((address) => ask(session, address)))
  const findings = seen.map(({ finding }) => finding)
  const lists = seen.flatMap(({ brokers }) => (brokers === undefined ? [] : [brokers.join(', ')]))
  if (new Set(lists).size > 1) {
    findings.push(
      warn(
        'name servers differ',
        `the name servers know different brokers: ${lists.map((list) => list || 'none').join(' / ')}`,
        'Give every broker the addresses of all name servers (namesrvAddr in its broker.conf), and look whether one is cut off.',
      ),
    )
  }
  if (lists.length > 0 && lists.every((list) => list === '')) {
    findings.push(
      bad(
        'no broker',
        'no broker is registered with the name server',
        'Start one, or set namesrvAddr in its broker.conf to this name server. A broker registers within 30 s; look into its log.',
      ),
    )
  }
  return findings
}

async function ask(
  session: Session,
  address: string,
): Promise<{ finding: Finding; brokers?: readonly string[] }> {
  let admin: AdminClient | undefined
  const began = session.now()
  try {
    admin = session.adminOf(address)
    const { brokerAddrTable } = await admin.brokers.clusters()
    const says = `name server ${address} answers (${session.now() - began} ms)`
    return { finding: good('name server', says), brokers: [...brokerAddrTable.keys()].sort() }
  } catch (error) {
    const { says, remedy } = failure(error, `name server ${address}`, 'name server')
    return { finding: bad('name server', says, remedy) }
  } finally {
    await admin?.close()
  }
}
