/**
 * SQL92 expressions: ours against Apache's filter, on pairs of an expression and properties. Apache's answers come from
 * `java/src/conformance/FilterOracle.java`, ours from the broker's own code; no server is started.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { javaArguments } from './apache/apache.mjs'
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

/** Apache's answer to each pair: `T` it matches, `F` it does not, `X` it cannot be read. Throws when the program fails. */
function apacheAnswers(pairs) {
  const home = mkdtempSync(join(tmpdir(), 'skylark-filter-'))
  try {
    const mainClass = 'conformance.FilterOracle'
    const args = javaArguments({ mainClass, args: [], home, heapMiB: 256, before: buildJava() })
    const lines = pairs.map((pair) => `${base64(pair.expression)} ${base64(pair.properties)}\n`)
    const options = { input: lines.join(''), encoding: 'utf8', maxBuffer: 2 ** 28 }
    const run = spawnSync('java', ['-XX:TieredStopAtLevel=1', ...args], options)
    const answers = run.stdout.trim()
    if (run.status === 0 && answers.length === pairs.length) return answers
    throw new Error(`FilterOracle: ${run.stderr.slice(-2000)}`)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
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
  const answers = apacheAnswers(pairs)
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

/** Writes some pairs with Apache's answers for the broker's unit tests. */
export function recordSqlFilter() {
  const pairs = sqlPairs(GOLDEN_SEED, 4000)
  const answers = apacheAnswers(pairs)
  const left = { ...GOLDEN_PAIRS }
  const kept = pairs
    .map((pair, i) => ({ ...pair, answer: answers[i] }))
    .filter(({ answer }) => left[answer]-- > 0)
  writeFileSync(golden, `[\n${kept.map((pair) => JSON.stringify(pair)).join(',\n')}\n]\n`)
}
