/**
 * `npm run conformance`: the same client programs against Apache and against Skylark, compared fact
 * by fact. README.md beside this file lists the options and what each behaviour shows.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as apache from './apache/apache.mjs'
import { adminCommands, runAdminCommands } from './admin/admin.mjs'
import { recordAdminResults } from './admin/results.mjs'
import { compareRuns, tellSecond } from './lib/compare.mjs'
import { missingFeature } from './lib/expected-differences.mjs'
import { joinFailingBroker } from './lib/failing-broker.mjs'
import { choosePorts, MissingTool, scratchDirectory } from './lib/processes.mjs'
import { clients } from './lib/programs.mjs'
import { mixedBehaviours } from './mixed.mjs'
import { fieldsVerdicts } from './fields/fields.mjs'
import { interchangeBehaviours } from './interchange.mjs'
import { metricsVerdict } from './metrics.mjs'
import { operatorsVerdicts } from './operators.mjs'
import { filterTableVerdict, recordSqlFilter, sqlFilterVerdict } from './sql-filter.mjs'
import * as skylark from './skylark.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const goldenFile = join(here, 'golden', `apache-${apache.apacheVersion}.json`)
const limitMs = 420_000
/** With more behaviours that differ it is no accident. */
const AGAIN_MAX = 12
// Both makes run with these: transactions are asked back soon, timer messages may be called back.
const settings = {
  autoCreateTopicEnable: true,
  transactionCheckInterval: 5000,
  recallMessageEnable: true,
}

const makes = {
  apache: {
    // Without the second key it registers only ten seconds after its start.
    start: (options) =>
      apache.startCluster({ ...options, settings: { ...settings, skipPreOnline: true } }),
  },
  skylark: { start: (options) => skylark.startCluster({ ...options, settings }) },
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true },
    make: { type: 'string', default: 'both' },
    client: { type: 'string', multiple: true },
    keep: { type: 'boolean', default: false },
    golden: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})

/** True when `--only` names this behaviour, as `send-*` or `java/send-sync`, or is absent. */
function isWanted(client, name) {
  if (options.only === undefined) return true
  return options.only.some((pattern) => {
    const [first, second] = pattern.split('/')
    const wild = (glob) => new RegExp(`^${glob.replaceAll('*', '.*')}$`)
    if (second === undefined) return wild(first).test(name)
    return wild(first).test(client) && wild(second).test(name)
  })
}

const wantedClients = Object.keys(clients).filter((name) => options.client?.includes(name) ?? true)

/** Runs one phase with all clients at once; adds their lines to `results`. */
async function showPhase(phase, cluster, scratch, results) {
  const run = async (client) => {
    const program = clients[client]
    if (phase === 'alone' && !program.mayBeAlone) return
    const home = join(scratch, `home-${client}`)
    mkdirSync(home, { recursive: true })
    const onLine = (line) => {
      const wanted = isWanted(client, line.name) && !program.cannot?.includes(line.name)
      if (!wanted) return
      results.set(`${client}/${line.name}`, line)
      const isAbsent = missingFeature(`${client}/${line.name}`, line) !== undefined
      const mark = line.ok ? 'shown ' : isAbsent ? 'absent' : 'FAILED'
      console.log(
        `  ${mark} ${client}/${line.name} (${line.millis} ms)${line.ok ? '' : ': ' + line.error}`,
      )
      if (options.verbose) console.log(`         ${JSON.stringify(line.result)}`)
    }
    const patterns = patternsFor(client, phase)
    if (patterns.length === 0) return
    const end = await program.run({
      nameServer: cluster.nameServer,
      home,
      patterns,
      limitMs,
      onLine,
    })
    if (end.code !== 0 && end.errors !== '')
      console.log(`  ${client} ended with ${end.code ?? end.signal}: ${end.errors}`)
  }
  await Promise.all(wantedClients.map(run))
}

/** The phase, or with `--only` the phase with each pattern that may concern this client. */
function patternsFor(client, phase) {
  if (options.only === undefined) return [phase]
  const names = options.only.flatMap((pattern) => {
    const [first, second] = pattern.split('/')
    if (second === undefined) return [first]
    return new RegExp(`^${first.replaceAll('*', '.*')}$`).test(client) ? [second] : []
  })
  return names.map((name) => `${phase}/${name}`)
}

/** Starts a make, shows everything, stops it; answers a map of `client/behaviour` to its line. */
async function showMake(make) {
  const scratch = scratchDirectory(`conformance-${make}`)
  const results = new Map()
  console.log(`${make}: starting in ${scratch.path}`)
  const began = performance.now()
  const cluster = await makes[make].start({ dir: scratch.path, ports: await choosePorts(2) })
  try {
    const failingTopics = wantedClients.flatMap((client) =>
      ['send-retry', 'send-retry-async'].map((behaviour) => `${client}-${behaviour}-topic`),
    )
    const failing = await joinFailingBroker(cluster.nameServer, failingTopics)
    await showPhase('before-restart', cluster, scratch.path, results)
    failing.leave()
    if (adminCommands.some(({ name }) => isWanted('mqadmin', name)) && !options.client) {
      await runAdminCommands(cluster, scratch.path, (line) => {
        if (!isWanted('mqadmin', line.name)) return
        results.set(`mqadmin/${line.name}`, line)
        console.log(`  ${line.ok ? 'shown ' : 'FAILED'} mqadmin/${line.name}`)
        if (options.verbose) console.log(`         ${JSON.stringify(line.result)}`)
      })
    }
    await cluster.restartBroker({
      autoCreateTopicEnable: false,
      enablePropertyFilter: true,
      coldDataFlowControlEnable: true,
      // Sends wait for something.
      flushDiskType: 'SYNC_FLUSH',
    })
    await showPhase('after-restart', cluster, scratch.path, results)
    await showPhase('alone', cluster, scratch.path, results)
  } finally {
    await cluster.stop()
    if (!options.keep) scratch.remove()
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(`${make}: ${results.size} behaviours in ${seconds} s`)
  return results
}

function readGolden() {
  if (!existsSync(goldenFile)) return new Map()
  const lines = JSON.parse(readFileSync(goldenFile, 'utf8'))
  return new Map(
    Object.entries(lines)
      .filter(([key]) => isWanted(...key.split('/')))
      .filter(([key]) => wantedClients.includes(key.split('/')[0]) || !options.client)
      .map(([key, result]) => [key, { ok: true, result }]),
  )
}

function record(results) {
  const failed = [...results].filter(([, line]) => !line.ok)
  if (failed.length > 0) console.log(`not recorded: ${failed.map(([key]) => key).join(', ')}`)
  // A run of everything begins anew; a run of some leaves the others as they were.
  const isPart = options.only !== undefined || options.client !== undefined
  const known = isPart && existsSync(goldenFile) ? JSON.parse(readFileSync(goldenFile, 'utf8')) : {}
  for (const [key, line] of results) if (line.ok) known[key] = line.result
  const sorted = Object.fromEntries(Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)))
  mkdirSync(dirname(goldenFile), { recursive: true })
  writeFileSync(goldenFile, JSON.stringify(sorted, null, 1) + '\n')
}

function tell({ name, same, missing, lines, showing, isRecorded }) {
  const word = same ? 'same' : missing === undefined ? 'DIFFERENT' : 'skipped'
  const which = showing === undefined ? '' : ` (showing ${showing})`
  console.log(`${word.padEnd(9)} ${name}${which}${isRecorded ? " (Apache's recorded answer)" : ''}`)
  for (const line of lines) console.log(line)
}

/** Shows one make only: what failed to be shown counts as failed. */
function report(verdicts) {
  for (const verdict of verdicts) tell(verdict)
  const passed = verdicts.filter(({ same }) => same).length
  const skipped = verdicts.filter(({ missing }) => missing !== undefined).length
  const failed = verdicts.length - passed - skipped
  const rest = skipped === 0 ? '' : `, ${skipped} skipped`
  tellSecond(verdicts.filter(({ same, showing }) => same && showing === 2).map(({ name }) => name))
  console.log(`${passed} passed, ${failed} failed${rest}`)
  return failed === 0 ? 0 : 1
}

/**
 * Shows behaviours that differed once more, on both makes: on a crowded machine a client gives up, or a rebalance
 * comes late, with either. What differs twice is different; where Apache's side cannot be shown again, its
 * recorded answer stands for it. With many, nothing is left to chance.
 */
async function showAgain(verdicts) {
  const names = verdicts.filter(isDifferent).map(({ name }) => name)
  if (names.length === 0 || names.length > AGAIN_MAX) return
  const before = options.only
  const recorded = readGolden()
  console.log(`shown again on both makes: ${names.join(', ')}`)
  for (const verdict of verdicts.filter(isDifferent)) tell(verdict)
  try {
    options.only = names.flatMap((name) => [
      name,
      name.replace('-after-restart', '-before-restart'),
    ])
    const theirs = await showMake('apache')
    const ours = await showMake('skylark')
    for (const name of names) {
      const known = theirs.get(name)?.ok ? theirs : recorded
      const verdict = compareOne(name, known.get(name) ?? theirs.get(name), ours.get(name))
      replace(verdicts, { ...verdict, showing: 2, isRecorded: known === recorded })
    }
  } finally {
    options.only = before
  }
}

const isDifferent = ({ same, missing }) => !same && missing === undefined

function compareOne(name, theirs, ours) {
  const one = (line) => new Map(line === undefined ? [] : [[name, line]])
  const [verdict] = compareRuns(one(theirs), one(ours), 'apache', 'skylark')
  return verdict ?? { name, same: false, lines: ['    shown by neither'] }
}

function replace(verdicts, verdict) {
  verdicts[verdicts.findIndex(({ name }) => name === verdict.name)] = verdict
}

/** Runs a part whose verdicts come by themselves; what it finds wrong is looked at once more. */
async function showPart(behaviours, part, verdicts) {
  const all = (name) => isWanted(part, name)
  const found = []
  for await (const verdict of behaviours(all)) found.push(verdict)
  const programs = new Set(found.filter(isDifferent).map(({ program }) => program))
  if (programs.size > 0) {
    console.log(`shown again: ${[...programs].map((name) => `${part}/${name}`).join(', ')}`)
    for (const verdict of found.filter(isDifferent)) tell(verdict)
    const again = []
    for await (const verdict of behaviours((name) => programs.has(name))) again.push(verdict)
    const rest = found.filter(({ program }) => !programs.has(program))
    verdicts.push(...rest, ...again.map((verdict) => ({ ...verdict, showing: 2 })))
  } else verdicts.push(...found)
}

async function main() {
  if (positionals.includes('sql-filter')) {
    skylark.requireSkylark()
    if (options.record) await recordSqlFilter()
    return report([await sqlFilterVerdict(), await filterTableVerdict()])
  }
  if (positionals.includes('fields')) {
    skylark.requireSkylark()
    return report(await fieldsVerdicts(options))
  }
  if (positionals.includes('operators')) {
    skylark.requireSkylark()
    return report(await operatorsVerdicts(options))
  }
  if (positionals.includes('metrics')) {
    skylark.requireSkylark()
    return report([await metricsVerdict(options)])
  }
  if (positionals.includes('interchange')) {
    skylark.requireSkylark()
    const verdicts = []
    await showPart(interchangeBehaviours, 'interchange', verdicts)
    return report(verdicts)
  }
  for (const client of wantedClients) clients[client].prepare()
  if (options.make !== 'apache') skylark.requireSkylark()
  const shown = (results) =>
    [...results].map(([name, { ok, error }]) => ({
      name,
      same: ok,
      lines: ok ? [] : [`    ${error}`],
    }))
  if (options.make === 'apache') {
    const results = await showMake('apache')
    if (options.record) record(results)
    return report(shown(results))
  }
  if (options.make === 'skylark' && !options.golden) return report(shown(await showMake('skylark')))
  if (options.golden && !existsSync(goldenFile))
    throw new Error(`no recorded answers: run with --record first`)
  const theirs = options.golden ? readGolden() : await showMake('apache')
  if (options.record) record(theirs)
  const ours = await showMake('skylark')
  const verdicts = compareRuns(theirs, ours, options.golden ? 'recorded' : 'apache', 'skylark')
  if (!options.golden) await showAgain(verdicts)
  if (options.record) recordAdminResults(verdicts, theirs, ours)
  if (!options.golden && !options.client) {
    await showPart(mixedBehaviours, 'mixed', verdicts)
    if (isWanted('fields', 'all')) verdicts.push(...(await fieldsVerdicts(options)))
    if (isWanted('operators', 'all')) verdicts.push(...(await operatorsVerdicts(options)))
    if (isWanted('metrics', 'series')) verdicts.push(await metricsVerdict(options))
    if (isWanted('sql-filter', 'pairs')) verdicts.push(await sqlFilterVerdict())
    if (isWanted('sql-filter', 'table')) verdicts.push(await filterTableVerdict())
    await showPart(interchangeBehaviours, 'interchange', verdicts)
  }
  return report(verdicts)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof MissingTool)) throw error
  console.error(error.message)
  process.exitCode = 2
}
