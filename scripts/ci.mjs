// What .ci/run runs. Its last line is `N passed, N failed`; it ends with 1 when anything failed.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { installDatabases, missingDatabases } from './ci-databases.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const total = { passed: 0, failed: 0 }
/** What went wrong, said again above the last line: the output is long. */
const wrong = []
/** Lines of one failure that are said again. */
const LINES_OF_ONE = 5
/** Last lines of a failed part's error output that are said again. */
const ERROR_LINES = 12

installDatabases()
section('npm test')
const tests = run('npm', ['test'], { CI: 'true' })
addTests()
if (tests.status !== 0)
  note('npm test', tests, /^(.*: say in a comment|.* things? to tidy|\s*✖ |.*error TS)/)

section('npm run cold-start -- --only files')
const start = run('npm', ['run', '--silent', 'cold-start', '--', '--only', 'files'])
if (start.status === 0) total.passed++
else {
  total.failed++
  note('cold-start', start, /Error/)
}

section('npm run error-messages')
const messages = run('npm', ['run', '--silent', 'error-messages'])
if (messages.status === 0) total.passed++
else {
  total.failed++
  note('error-messages', messages, /^NOT AS EXPECTED/)
}

section('npm run crash -- --full')
const full = run('npm', ['run', '--silent', 'crash', '--', '--full'])
if (full.status === 0) total.passed++
else {
  total.failed++
  note('crash -- --full', full, /NOT|Error/)
}

if (missingDatabases().length < 3) {
  section('npm run effects -- --times 6')
  const effects = run('npm', ['run', '--silent', 'effects', '--', '--times', '6'])
  addLine(effects)
  if (effects.status !== 0) note('effects', effects, /NOT well|Error/)
} else console.log('npm run effects was left out: it needs PostgreSQL, MariaDB or Redis')

section('npm run attack')
// 200 ms on a quiet machine of its own; 3,000 answers in one turn are 3,000 calls of the host, which a busy one makes slower.
const attack = run('npm', ['run', '--silent', 'attack', '--', '--wait', '500'])
addLine(attack)
if (attack.status !== 0) note('attack', attack, /^(FAILED|[A-Za-z]*Error)/)

if (has('java', '-version') && has('mvn', '-version') && has('go', 'version')) {
  section('npm run conformance, npm run conformance:sdk')
  const conformance = run('npm', ['run', '--silent', 'conformance'])
  addLine(conformance)
  if (conformance.status !== 0)
    note('conformance', conformance, /^(DIFFERENT|\s+FAILED|[A-Za-z]*Error)/)
  const sdk = run('npm', ['run', '--silent', 'conformance:sdk'])
  addLine(sdk)
  if (sdk.status !== 0) note('conformance:sdk', sdk, /^(FAILED|[A-Za-z]*Error)/)
  section('npm run integrations')
  const integrations = run('npm', ['run', '--silent', 'integrations'])
  if (integrations.status === 2) console.log('left out: it needs the npm registry')
  else addLine(integrations)
  if (integrations.status === 1) note('integrations', integrations, /(\s*✖ |error TS)/)
  section('npm run bench -- --quick')
  const bench = run('npm', ['run', '--silent', 'bench', '--', '--quick'])
  if (bench.status !== 0) {
    total.failed++
    note('bench', bench, /^WORSE|Error/)
  }
} else {
  console.log('conformance and bench were left out: they need Java, Maven and Go')
}
for (const line of wrong) console.log(line)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)

function section(title) {
  console.log(`\n== ${title}`)
}

/** Runs a command, showing what it prints; returns its status and its output. */
function run(command, args, env = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  })
  process.stdout.write(done.stdout ?? '')
  process.stderr.write(done.stderr ?? '')
  return { status: done.status ?? 1, output: done.stdout ?? '', errors: done.stderr ?? '' }
}

/**
 * Keeps the lines of a failed part that tell what was wrong, with the first few that are set in behind each: the last
 * page of the output has to name everything that failed. A program that ended with an exception said so on its error
 * output, of which the end is kept.
 */
function note(part, { status, output, errors }, pattern) {
  let room = 0
  const lines = output.split('\n').filter((line) => {
    if (pattern.test(line)) room = LINES_OF_ONE
    else if (line.startsWith('    ')) room--
    else room = 0
    return room > 0
  })
  const rest = errors.split('\n').filter((line) => line.trim() !== '')
  wrong.push(`${part} failed (exit ${status}):`, ...lines.slice(0, 40))
  wrong.push(...rest.slice(-ERROR_LINES).map((line) => `  ${line}`.slice(0, 300)))
}

/** Counts of the tests, as the runner wrote them down; tidy counts as one more. */
function addTests() {
  const file = path.join(root, '.build/tests.tap')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  total.passed += count('pass')
  total.failed += count('fail') + count('cancelled')
  const tidy = path.join(root, '.build/tidy.ok')
  if (existsSync(tidy) && count('tests') > 0) total.passed++
  else total.failed++
}

/** Counts of a program whose last line is `N passed, N failed`. */
function addLine({ status, output }) {
  const [, passed, failed] = /(\d+) passed, (\d+) failed(?:, \d+ skipped)?\s*$/.exec(output) ?? []
  total.passed += Number(passed ?? 0)
  total.failed += Number(failed ?? 0)
  if (status !== 0 && Number(failed ?? 0) === 0) total.failed++
}

function has(command, argument) {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0
}
