/**
 * Asks a victim's name server and broker something small, again and again, on connections of its own, from a process of
 * its own. On a message it says how long the longest answer took, by the clock and by the time that the victim's thread
 * spent on a processor meanwhile, which does not depend on who else is on the machine; and how much memory the victim
 * held at most.
 */
import { readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { openConnection } from '../conformance/lib/remoting.mjs'

const EVERY_MS = 20
const LATE_MS = 60_000
const GET_MAX_OFFSET = 30
const GET_ALL_TOPIC_LIST = 206
const PAGE_BYTES = 4096

const [pid, ...ports] = process.argv.slice(2).map(Number)
const seen = {
  asked: 0,
  unanswered: 0,
  longestMs: 0,
  busiestMs: 0,
  peakBytes: residentBytes(),
  beforeBytes: residentBytes(),
}
try {
  // It must not be the witness that is late.
  setPriority(constants.priority.PRIORITY_HIGH)
} catch {
  // Not everybody may.
}
const requests = [
  [ports[0], GET_ALL_TOPIC_LIST, {}],
  [ports[1], GET_MAX_OFFSET, { topic: 'TBW102', queueId: '0' }],
]
const waiting = requests.map(() => undefined)
requests.forEach((request, i) => ask(i, ...request, undefined))
setInterval(() => {
  seen.peakBytes = Math.max(seen.peakBytes, residentBytes())
}, EVERY_MS)
process.on('message', () => {
  for (const each of waiting) if (each !== undefined) note(each)
  process.send({ ...seen, nowBytes: residentBytes() })
})

async function ask(i, port, code, fields, before) {
  const connection = before ?? openConnection(`127.0.0.1:${port}`)
  waiting[i] = { since: performance.now(), busyMs: processorMs() }
  seen.asked++
  let isAnswered = false
  const late = setTimeout(() => connection.close(), LATE_MS)
  try {
    await connection.request(code, fields)
    isAnswered = true
  } catch {
    seen.unanswered++
  }
  clearTimeout(late)
  note(waiting[i])
  waiting[i] = undefined
  setTimeout(() => void ask(i, port, code, fields, isAnswered ? connection : undefined), EVERY_MS)
}

function note({ since, busyMs }) {
  seen.longestMs = Math.max(seen.longestMs, performance.now() - since)
  seen.busiestMs = Math.max(seen.busiestMs, processorMs() - busyMs)
}

/** Ms for which the victim's thread was on a processor; the clock's where nobody tells. */
function processorMs() {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
  } catch {
    return performance.now()
  }
}

/** 0 where there is no /proc. */
function residentBytes() {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}
