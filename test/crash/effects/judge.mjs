/** What has to hold when everything has come to rest, whatever was killed when. */

const isGivenUp = (id) => id.endsWith('-dead')

/** How often each is there. */
function timesOf(ids) {
  const times = new Map()
  for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1)
  return times
}

/** Whether everything that was ordered has had its effect, or is dead as it should be. */
export function isAtRest({ orders, effects, waiting }, dead) {
  const done = new Set(effects)
  const gone = new Set(dead)
  return waiting === 0 && orders.every((id) => (isGivenUp(id) ? gone : done).has(id))
}

/** The calls of the handler by order, in the order in which they began: `{ pid, beganMs, effect, end, endMs }`. */
function callsByOrder(lines) {
  const calls = new Map()
  const byOrder = new Map()
  for (const line of lines) {
    const [what, id, call, pid, ms] = line.split(' ')
    if (what === 'began') {
      const began = { pid: Number(pid), beganMs: Number(ms) }
      calls.set(call, began)
      byOrder.set(id, [...(byOrder.get(id) ?? []), began])
      continue
    }
    const known = calls.get(call)
    // The database did not even let it begin.
    if (known === undefined) continue
    if (what === 'effect') known.effect = true
    else Object.assign(known, { end: what, endMs: Number(ms) })
  }
  return byOrder
}

/**
 * Judges the calls of a store whose note is not part of the effect. An effect is repeated only when the call before it did not
 * hear that it was noted: its process was killed, or Redis, between the two. And while one call works no other begins.
 */
function judgeCalls(lines, killedMs) {
  let repeated = 0
  const wrong = []
  for (const [id, calls] of callsByOrder(lines)) {
    calls.slice(1).forEach((call, i) => {
      const before = calls.slice(0, i + 1)
      const endOf = ({ pid, endMs }) => endMs ?? killedMs.get(pid) ?? Infinity
      if (before.some((each) => endOf(each) > call.beganMs)) wrong.push(`${id}: two at one time`)
      if (!call.effect) return
      if (before.some(({ end }) => end === 'noted')) wrong.push(`${id}: again, though it was noted`)
      if (before.some(({ effect }) => effect)) repeated++
    })
  }
  return { repeated, wrong }
}

/**
 * Judges a database. `dead` are the orders among the dead letters, `receipts` those of the receipts, `calls` the lines of the
 * handlers, `killedMs` when each process was killed. Returns figures, and what is wrong.
 */
export function judge({ isTransactional }, seen, dead, { receipts, calls, killedMs }) {
  const { orders, effects, waiting } = seen
  const times = timesOf(effects)
  const known = new Set(orders)
  const lost = orders.filter((id) => !isGivenUp(id) && !times.has(id))
  const twice = [...times].filter(([, n]) => n > 1).map(([id]) => id)
  const unordered = [...times.keys()].filter((id) => !known.has(id))
  const wrongDead = dead.filter((id) => !isGivenUp(id))
  const notDead = orders.filter((id) => isGivenUp(id) && !dead.includes(id))
  const billed = [...times.keys()].filter(isGivenUp)
  const wrong = [
    ...lost.map((id) => `${id}: lost`),
    ...wrongDead.map((id) => `${id}: dead, and nobody gave it up`),
    ...notDead.map((id) => `${id}: given up, and not among the dead letters`),
    ...billed.map((id) => `${id}: given up, and billed`),
  ]
  const { repeated, wrong: wrongCalls } = judgeCalls(calls, killedMs)
  if (isTransactional) {
    wrong.push(...twice.map((id) => `${id}: ${times.get(id)} effects`))
    const sent = timesOf(receipts)
    const odd = [...new Set([...times.keys(), ...sent.keys()])].filter((id) => sent.get(id) !== 1)
    wrong.push(...odd.map((id) => `${id}: ${sent.get(id) ?? 0} receipts`))
    wrong.push(...unordered.map((id) => `${id}: a message without its order`))
    if (waiting > 0) wrong.push(`${waiting} messages left in the outbox`)
  } else wrong.push(...wrongCalls)
  const figures = {
    orders: orders.length,
    calls: calls.filter((l) => l.startsWith('began')).length,
  }
  return {
    ...figures,
    lost: lost.length,
    receipts: receipts.length,
    twice: twice.length,
    repeated,
    dead: dead.length,
    wrong,
  }
}
