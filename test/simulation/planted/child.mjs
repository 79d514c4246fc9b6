// Runs seeds of one simulation in a copy of the built code, until one fails or time is up; says which did, as JSON.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, kind, from, most, seconds, short] = process.argv.slice(2)
const KINDS = {
  stores: ['store-run.js', 'StoreRun'],
  transactions: ['transaction-run.js', 'TransactionRun'],
  delayed: ['delayed-run.js', 'DelayedRun'],
  system: ['system/system-run.js', 'SystemRun'],
}
const [file, name] = KINDS[kind]
const url = pathToFileURL(path.join(folder, 'test/dist/simulation', file)).href
const { [name]: Run, FAULTY_MS, SHORT_MS = 20_000 } = await import(url)
let unhandled
process.on('unhandledRejection', (reason) => (unhandled ??= reason))
const endsAt = Date.now() + Number(seconds) * 1000
let tried = 0
for (let seed = Number(from); tried < Number(most) && Date.now() < endsAt; seed++) {
  tried++
  unhandled = undefined
  const run = new Run(seed, short === 'true' ? SHORT_MS : FAULTY_MS)
  try {
    await run.run()
    if (unhandled !== undefined) throw unhandled
  } catch (error) {
    const reason = String(error?.message ?? error).split('\n')[0]
    console.log(JSON.stringify({ seed, tried, reason }))
    process.exit(0)
  }
}
console.log(JSON.stringify({ tried }))
