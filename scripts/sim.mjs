// npm run sim [-- --seed N | --seconds N]: a store in virtual time, with faults and crashes that a seed decides.
// npm run sim -- --transactions: a broker's transactions and their producers, in the same way.
// npm run sim -- --delayed: messages that wait for a delay or a time of their own.
import { parseArgs } from 'node:util'
import * as delayed from '../test/dist/simulation/delayed-run.js'
import * as stores from '../test/dist/simulation/store-run.js'
import * as transactions from '../test/dist/simulation/transaction-run.js'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    from: { type: 'string' },
    short: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    transactions: { type: 'boolean', default: false },
    delayed: { type: 'boolean', default: false },
  },
})

/** What is run, for how many virtual ms with faults, and for how many with --short; and what asks for it. */
const kinds = {
  delayed: [delayed.DelayedRun, delayed.FAULTY_MS, 20_000, ' --delayed'],
  transactions: [transactions.TransactionRun, transactions.FAULTY_MS, 20_000, ' --transactions'],
  stores: [stores.StoreRun, stores.FAULTY_MS, 15_000, ''],
}
const kind = Object.keys(kinds).find((name) => options[name]) ?? 'stores'
const [Run, faultyMs, shortMs, asked] = kinds[kind]

let unhandled
process.on('unhandledRejection', (reason) => {
  unhandled ??= reason
})

/** Runs one seed; returns what it did, or says why it failed. */
async function runSeed(seed, shown) {
  const run = new Run(seed, options.short ? shortMs : faultyMs)
  unhandled = undefined
  try {
    const figures = await run.run()
    if (unhandled !== undefined) throw unhandled
    return figures
  } catch (error) {
    console.log(`seed ${seed} failed at ${run.world.time.toFixed(1)} ms: ${error?.stack ?? error}`)
    console.log(run.log.slice(-shown).join('\n'))
    const again = `--seed ${seed}${asked}${options.short ? ' --short' : ''}`
    console.log(`to see it again: npm run sim -- ${again}\n`)
    return undefined
  }
}

if (options.seed !== undefined) {
  const figures = await runSeed(Number(options.seed), 400)
  if (figures === undefined) process.exitCode = 1
  else console.log(figures)
} else {
  const total = {}
  const endsAt = Date.now() + Number(options.seconds) * 1000
  let seeds = 0
  let failures = 0
  for (let seed = Number(options.from ?? Date.now() % 2 ** 31); Date.now() < endsAt; seed++) {
    const figures = await runSeed(seed, 12)
    seeds++
    if (figures === undefined) failures++
    else for (const key of Object.keys(figures)) total[key] = (total[key] ?? 0) + figures[key]
    if (failures > 0 && !options.keep) break
  }
  console.log({ seeds, failures, ...total })
  if (failures > 0) process.exitCode = 1
}
