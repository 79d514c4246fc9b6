/**
 * SQL92 expressions: ours against Apache's filter, on pairs of an expression and properties. Apache's answers come from
 * `java/src/conformance/FilterOracle.java`, ours from the broker's own code; no server is started.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { javaArguments } from './apache/apache.mjs'
import { describe, differences } from './lib/compare.mjs'
import { buildJava } from './lib/programs.mjs'
import { sqlPairs } from './lib/sql-pairs.mjs'

const PAIRS = 24_000
const SEED = 1
const SHOWN = 10
/** What the unit tests of the broker compare with, which need no Java. */
const golden = join(
  dirname(fileURLToPath(import.meta.url)),
  '../../packages/broker/test/golden/sql92.json',
)
const GOLDEN_SEED = 2
const GOLDEN_PAIRS = { T: 200, F: 200, X: 150 }

const base64 = (text) => Buffer.from(text).toString('base64')

/** What FilterOracle prints. Throws when it fails. */
function askApache(home, args, input = '') {
  const mainClass = 'conformance.FilterOracle'
  const java = javaArguments({ mainClass, args, home, heapMiB: 256, before: buildJava() })
  const options = { input, encoding: 'utf8', maxBuffer: 2 ** 28 }
  const run = spawnSync('java', ['-XX:TieredStopAtLevel=1', ...java], options)
  if (run.status !== 0) throw new Error(`FilterOracle: ${run.stderr.slice(-2000)}`)
  return run.stdout.trim()
}

/** Calls `work` with a folder that is there as long as it runs. */
async function inScratch(work) {
  const home = mkdtempSync(join(tmpdir(), 'skylark-filter-'))
  try {
    return await work(home)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Apache's answer to each pair: `T` it matches, `F` it does not, `X` it cannot be read. */
async function apacheAnswers(pairs) {
  const lines = pairs.map((pair) => `${base64(pair.expression)} ${base64(pair.properties)}\n`)
  const answers = await inScratch((home) => askApache(home, [], lines.join('')))
  if (answers.length === pairs.length) return answers
  throw new Error(`FilterOracle: ${answers.length} answers to ${pairs.length} pairs`)
}

/** Our answer to a pair, in the same letters. The broker does not export its filter; this is its compiled code. */
async function ourFilter() {
  const file = '../../packages/broker/dist/src/filter/sql92/sql-expression.js'
  const { SqlExpression } = await import(file)
  return ({ expression, properties }) => {
    const compiled = SqlExpression.compile(expression)
    if (typeof compiled === 'string') return 'X'
    return compiled.matchesProperties(Buffer.from(properties)) ? 'T' : 'F'
  }
}

/** Compares both on pairs of a seed; one verdict, whose name has their number. */
export async function sqlFilterVerdict(seed = SEED, count = PAIRS) {
  const ourAnswer = await ourFilter()
  const pairs = sqlPairs(seed, count)
  const answers = await apacheAnswers(pairs)
  const counts = { T: 0, F: 0, X: 0 }
  const lines = []
  pairs.forEach((pair, i) => {
    counts[answers[i]]++
    const ours = ourAnswer(pair)
    if (ours !== answers[i]) {
      lines.push(`    apache ${answers[i]}, skylark ${ours}: ${JSON.stringify(pair)}`)
    }
  })
  const said = `    ${count} pairs of seed ${seed}: ${counts.T} match, ${counts.F} do not, ${counts.X} cannot be read`
  const more = lines.length > SHOWN ? [`    … and ${lines.length - SHOWN} more`] : []
  return {
    name: 'sql-filter/pairs',
    same: lines.length === 0,
    lines: [said, ...lines.slice(0, SHOWN), ...more],
  }
}

/** Whether Apache's table reads a consumerFilter.json of ours and has all that is in it; one verdict. */
export async function filterTableVerdict() {
  const folder = '../../packages'
  const { nodeEnv, silentEvents } = await import(`${folder}/env/dist/src/index.js`)
  const file = `${folder}/broker/dist/src/filter/consumer-filter-table.js`
  const { ConsumerFilterTable } = await import(file)
  return inScratch((home) => {
    const path = join(home, 'consumerFilter.json')
    const table = new ConsumerFilterTable(nodeEnv(silentEvents), {
      path,
      maxErrorRateOfBloomFilter: 20,
      // Apache's table has this size where it stands alone.
      expectConsumerNumUseFilter: 64,
      cleanTimeSpanMs: () => Infinity,
    })
    const expressions = ['a > 1', "b IN ('ä', 'it''s')", 'c IS NULL ++', '😀', 'NOT d']
    expressions.forEach((subString, i) => {
      const topics = [`topic-${i}`, `%RETRY%${'x'.repeat(i * 7)}`]
      const common = { subString, expressionType: 'SQL92', subVersion: 1_700_000_000_000 + i }
      table.register(
        `group${'y'.repeat(i)}`,
        topics.map((topic) => ({ ...common, topic })),
      )
    })
    table.unregister('group')
    table.save()
    const ours = withoutDeaths(JSON.parse(readFileSync(path, 'utf8')))
    const theirs = withoutDeaths(JSON.parse(askApache(home, [path])))
    const found = differences(theirs, ours)
    const isEmpty = Object.keys(ours.filterDataByTopic).length < expressions.length
    return {
      name: 'sql-filter/table',
      same: found.length === 0 && !isEmpty,
      lines: describe(found, 'apache', 'skylark'),
    }
  })
}

/** Who was alive counts as dead once the table is read. */
function withoutDeaths(table) {
  for (const { groupFilterData } of Object.values(table.filterDataByTopic)) {
    for (const filter of Object.values(groupFilterData)) {
      delete filter.dead
      delete filter.deadTime
    }
  }
  return table
}

/** Writes some pairs with Apache's answers for the broker's unit tests. */
export async function recordSqlFilter() {
  const pairs = sqlPairs(GOLDEN_SEED, 4000)
  const answers = await apacheAnswers(pairs)
  const left = { ...GOLDEN_PAIRS }
  const kept = pairs
    .map((pair, i) => ({ ...pair, answer: answers[i] }))
    .filter(({ answer }) => left[answer]-- > 0)
  writeFileSync(golden, `[\n${kept.map((pair) => JSON.stringify(pair)).join(',\n')}\n]\n`)
}
