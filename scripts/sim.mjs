// npm run sim [-- --seed N | --seconds N]: a store in virtual time, with faults and crashes that a seed decides.
// npm run sim -- --system: name servers, brokers and clients together; --hash prints what a seed comes to.
// npm run sim -- --transactions: a broker's transactions and their producers, in the same way.
// npm run sim -- --delayed: messages that wait for a delay or a time of their own.
// npm run sim -- --scripts [--rewrite]: plays test/simulation/scripts; writes down what happens now.
// npm run sim -- --planted: takes one safeguard away at a time, and looks whether a seed finds that.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runPlanted } from '../test/simulation/planted/run.mjs'
import * as delayed from '../test/dist/simulation/delayed-run.js'
import { playScript, readScript, scriptText } from '../test/dist/simulation/script.js'
import * as stores from '../test/dist/simulation/store-run.js'
import * as systems from '../test/dist/simulation/system/system-run.js'
import * as transactions from '../test/dist/simulation/transaction-run.js'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    short: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    hash: { type: 'boolean', default: false },
    transactions: { type: 'boolean', default: false },
    delayed: { type: 'boolean', default: false },
    system: { type: 'boolean', default: false },
    scripts: { type: 'boolean', default: false },
    rewrite: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})

/** What is run, for how many virtual ms with faults, and for how many with --short; and what asks for it. */
const kinds = {
  delayed: [delayed.DelayedRun, delayed.FAULTY_MS, 20_000, ' --delayed'],
  transactions: [transactions.TransactionRun, transactions.FAULTY_MS, 20_000, ' --transactions'],
  system: [systems.SystemRun, systems.FAULTY_MS, systems.SHORT_MS, ' --system'],
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
    if (options.hash) console.log(`seed ${seed}: ${run.hash ?? run.world.steps}`)
    return figures
  } catch (error) {
    console.log(`seed ${seed} failed at ${run.world.time.toFixed(1)} ms: ${error?.stack ?? error}`)
    console.log(run.log.slice(-shown).join('\n'))
    const again = `--seed ${seed}${asked}${options.short ? ' --short' : ''}`
    console.log(`to see it again: npm run sim -- ${again}\n`)
    return undefined
  }
}

async function runSeeds() {
  const total = {}
  const endsAt = Date.now() + Number(options.seconds) * 1000
  const mostSeeds = Number(options.seeds ?? Infinity)
  let seeds = 0
  let failures = 0
  const isOver = () => seeds >= mostSeeds || (options.seeds === undefined && Date.now() >= endsAt)
  for (let seed = Number(options.from ?? Date.now() % 2 ** 31); !isOver(); seed++) {
    const figures = await runSeed(seed, 12)
    seeds++
    if (figures === undefined) failures++
    else for (const key of Object.keys(figures)) total[key] = (total[key] ?? 0) + figures[key]
    if (failures > 0 && !options.keep) break
  }
  console.log({ seeds, failures, ...total })
  if (failures > 0) process.exitCode = 1
}

/** Plays all scripts; false when one does not come to what stands in it. */
async function playScripts() {
  const folder = fileURLToPath(new URL('../test/simulation/scripts/', import.meta.url))
  let isSame = true
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name)
    const before = readFileSync(file, 'utf8')
    const now = scriptText(await playScript(readScript(before)))
    if (now === before) continue
    if (options.rewrite) writeFileSync(file, now)
    else isSame = false
    console.log(`${name}: ${options.rewrite ? 'written down anew' : 'something else happens now'}`)
  }
  return isSame
}

if (options.scripts) {
  process.exitCode = (await playScripts()) ? 0 : 1
} else if (options.planted) {
  process.exitCode = (await runPlanted(options)) ? 0 : 1
} else if (options.seed !== undefined) {
  const figures = await runSeed(Number(options.seed), 400)
  if (figures === undefined) process.exitCode = 1
  else console.log(figures)
} else await runSeeds()
