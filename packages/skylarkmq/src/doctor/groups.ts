import { isOwnGroup } from '../commands/names.ts'
import type { Session } from '../session.ts'
import { failure } from './failure.ts'
import { bad, good, warn, type Finding } from './finding.ts'

/** Groups that are looked at one by one. */
const GROUPS_MAX = 200

/** Looks for members that disagree, and for groups that are behind with nobody there. */
export async function groupFindings(session: Session, wanted?: string): Promise<Finding[]> {
  try {
    const settings = await session.admin.groups.list()
    const known = settings.map(({ groupName }) => groupName).filter(isOwnGroup)
    const asked = wanted === undefined ? known.slice(0, GROUPS_MAX) : [wanted]
    const found = (await Promise.all(asked.map((group) => look(session, group, wanted)))).flat()
    return [...(await conflicts(session, wanted)), ...found]
  } catch (error) {
    const { says, remedy } = failure(error, 'the list of consumer groups', 'broker')
    return [bad('groups', says, remedy)]
  }
}

async function conflicts(session: Session, wanted?: string): Promise<Finding[]> {
  const all = await session.admin.groups.subscriptions(wanted)
  const differing = all.filter((each) => each.differing.length > 0)
  return differing.map(({ group, topic, expression, differing: members }) => {
    const others = members.map(
      ({ clientId, expression: own }) => `${clientId} wants ${own ?? 'nothing'}`,
    )
    return bad(
      'subscriptions',
      `members of ${group} want different things of ${topic}: the broker knows ${expression}, ${others.join(', ')}`,
      'Give all members of a group the same subscriptions; between different ones messages get lost. Two programs need two groups.',
    )
  })
}

async function look(session: Session, group: string, wanted?: string): Promise<Finding[]> {
  const { groups } = session.admin
  const [members, lag] = await Promise.all([groups.connections(group), groups.lag(group)])
  const count = members?.connectionSet.length ?? 0
  if (count > 0) {
    return wanted === undefined
      ? []
      : [good('group', `${group} has ${count} members, ${lag.lag} messages behind`)]
  }
  if (lag.queues.length === 0) {
    if (wanted === undefined) return []
    return [
      bad(
        'group',
        `${group} has never consumed anything here, and no member is connected`,
        'Look whether the program runs, whether its group has this name, and whether it asks the same name server.',
      ),
    ]
  }
  if (lag.lag === 0)
    return wanted === undefined ? [] : [good('group', `${group} is even; no member is connected`)]
  return [
    warn(
      'group',
      `${group} is ${lag.lag} messages behind, and no member is connected`,
      `Start a consumer of the group, or delete it (skylark group delete ${group}) if it is not needed any more.`,
    ),
  ]
}
