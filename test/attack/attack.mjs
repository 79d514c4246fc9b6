/**
 * npm run attack: plays what strangers may do to whoever reaches a port, one kind after the other, each against a
 * server of its own, with a witness that goes on asking from elsewhere.
 *
 *   NAME …          kinds by name; all of `kinds/` without one
 *   --short         smaller numbers, as `npm test` has them; how long the witness waits is told and does not count
 *   --wait MS       for how long the victim may be busy while the witness waits (200)
 *   --command FILE  another build's bin/skylark.js, to compare with
 *
 * Always looked at: the process lives, the witness is answered before the victim has been busy for too long, memory grows by no more than the kind's bound,
 * no file outside the data folder changes, no control character is in the log. A kind whose witness waited too long, or
 * whose victim only grew too much, is shown up to twice more: neither a crowded machine nor garbage that V8 had not yet
 * collected is a finding.
 */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { frame, rawFrame } from './frames.mjs'
import { openPeer } from './peer.mjs'

const SHOWINGS = 3
const GROW_MIB = 64

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    wait: { type: 'string', default: '200' },
    command: { type: 'string' },
  },
})
if (options.command !== undefined) process.env.SKYLARK_COMMAND = options.command
const { startVictim } = await import('./victim.mjs')

const folder = join(dirname(fileURLToPath(import.meta.url)), 'kinds')
const kinds = []
for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith('.mjs')) continue
  const { default: kind } = await import(pathToFileURL(join(folder, file)).href)
  if (positionals.length === 0 || positionals.includes(kind.name)) kinds.push(kind)
}

const rows = []
for (const kind of kinds) {
  let row = await show(kind)
  for (let i = 1; i < SHOWINGS && row.isOnlyCrowded; i++) row = await show(kind)
  rows.push(row)
  tell(row)
}
const failed = rows.filter(({ problems }) => problems.length > 0)
if (rows.length === 0) console.log(`there is no kind named ${positionals.join(', ')}`)
console.log(`${rows.length - failed.length} passed, ${failed.length} failed`)
process.exit(failed.length === 0 && rows.length > 0 ? 0 : 1)

async function show(kind) {
  const victim = await startVictim(kind)
  const problems = []
  const field = {
    namesrvPort: victim.namesrvPort,
    brokerPort: victim.brokerPort,
    dataDir: victim.dataDir,
    isShort: options.short,
    connect: openPeer,
    frame,
    rawFrame,
    async call(port, request, timeoutMs) {
      const peer = await openPeer(port)
      const answer = await peer.call(request, timeoutMs)
      peer.destroy()
      return answer
    },
    expect(condition, sentence) {
      if (!condition) problems.push(sentence)
    },
  }
  const began = performance.now()
  try {
    await kind.attack(field)
  } catch (error) {
    problems.push(`the attack broke off: ${error.message}`)
  }
  const seconds = (performance.now() - began) / 1000
  const seen = await victim.look()
  await victim.stop()
  problems.push(...seen.problems)
  const isSound = problems.length === 0
  const growMiB = kind.growMiB ?? GROW_MIB
  if (!options.short && seen.busiestMs > Number(options.wait)) {
    problems.push(`the witness waited while the victim was busy for ${seen.busiestMs} ms`)
  }
  if (seen.grewMiB > growMiB) problems.push(`memory grew by ${seen.grewMiB} MiB, not ${growMiB}`)
  return { kind, ...seen, seconds, problems, isOnlyCrowded: isSound && problems.length > 0 }
}

function tell({ kind, longestMs, busiestMs, grewMiB, stacks, seconds, problems }) {
  const word = problems.length === 0 ? 'ok' : 'FAILED'
  console.log(
    `${word.padEnd(6)} ${kind.name.padEnd(32)} ${seconds.toFixed(1).padStart(5)} s  waited ` +
      `${String(longestMs).padStart(5)} ms (${String(busiestMs).padStart(5)} busy)  +${String(grewMiB).padStart(4)} MiB  ${kind.says}` +
      (stacks > 0 ? ` (${stacks} lines of stack in the log)` : ''),
  )
  for (const problem of problems) console.log(`       ${problem}`)
}
