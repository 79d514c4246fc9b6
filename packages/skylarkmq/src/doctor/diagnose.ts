import type { Session } from '../session.ts'
import { brokerFindings } from './brokers.ts'
import { type Finding } from './finding.ts'
import { groupFindings } from './groups.ts'
import { nameServerFindings } from './name-servers.ts'

/** All findings of a cluster, from the name servers on; what cannot be asked is a finding, not an error. */
export async function findingsOf(session: Session, group?: string): Promise<Finding[]> {
  const names = await nameServerFindings(session)
  if (!names.some(({ check, level }) => check === 'name server' && level === 'ok')) return names
  const brokers = await brokerFindings(session)
  const isReachable = brokers.some(({ check, level }) => check === 'broker' && level === 'ok')
  const groups = isReachable ? await groupFindings(session, group) : []
  return [...names, ...brokers, ...groups]
}
