// npm test [-- NAME …]: installs and builds what is missing, checks the house, runs the tests.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { checkNode, installIfMissing } from './prepare.mjs'
import { problemsOfRecords } from './test-records.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

checkNode()
try {
  installIfMissing()
  console.log('Building …')
  const { build } = await import('./build.mjs')
  await build()
} catch (error) {
  console.error(
    error.status === undefined
      ? error
      : 'It could not be installed or built; the lines above say why.',
  )
  process.exit(1)
}
// What .ci/run counts.
const results = path.join(root, '.build')
mkdirSync(results, { recursive: true })
for (const name of ['tests', 'tests.tap', 'tidy.ok', 'records'])
  rmSync(path.join(results, name), { recursive: true, force: true })

console.log('Checking the house …')
const tidying = run(['scripts/dist/tidy.js'])

const wanted = process.argv.slice(2)
const isWanted = (file) => wanted.length === 0 || wanted.some((name) => file.includes(name))
const all = {
  whole: compiledTests('test/dist').filter(isWanted),
  packages: packageFolders().map((name) => [name, testsOf(name).filter(isWanted)]),
}
const count = all.packages.reduce((sum, [, tests]) => sum + tests.length, all.whole.length)
console.log(`Running ${count} test files …`)
// Those that take long come first, so that none is left alone at the end.
const files = [
  ...all.whole.filter(isLong),
  ...all.packages.flatMap(([name, tests]) => together(name, tests)),
  ...all.whole.filter((file) => !isLong(file)),
]
const reporters = [
  `--test-reporter=${process.env.CI ? 'spec' : 'dot'}`,
  '--test-reporter-destination=stdout',
  '--test-reporter=tap',
  `--test-reporter-destination=${path.join(results, 'tests.tap')}`,
]
// Some of the tests wait for processes and clocks, so that a core more than there are has work.
const concurrency = availableParallelism() + 1
// A file that hangs is a failure with a name, not a run without an end.
const HANGS_MS = 600_000
const options = [
  '--test',
  ...reporters,
  `--test-concurrency=${concurrency}`,
  `--test-timeout=${HANGS_MS}`,
]
const records = path.join(results, 'records')
mkdirSync(records)
const recorder = pathToFileURL(path.join(root, 'scripts/test-recorder.mjs')).href
const variables = {
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${recorder}`.trim(),
  SKYLARK_RECORD: records,
}
const tests = await run([...options, ...files], variables)
if (tests !== 0)
  console.log(`\nSome tests failed; ${path.join('.build', 'tests.tap')} has the details.`)
// What a few of the tests leave out says nothing.
const unrecorded = wanted.length > 0 || tests !== 0 ? [] : await problemsOfRecords(root, records)
for (const problem of unrecorded) console.log(problem)
const tidy = await tidying
if (tidy === 0) writeFileSync(path.join(results, 'tidy.ok'), '')
else console.log('\nThe house is not tidy; see above.')
process.exit(tidy === 0 && tests === 0 && unrecorded.length === 0 ? 0 : 1)

/** Runs Node with arguments; resolves with the status. */
function run(args, variables = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, ...variables }
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' })
    child.once('exit', (status) => resolve(status ?? 1))
  })
}

function isLong(file) {
  return /simulation|command|examples/.test(file)
}

/** Packages, and the scripts, those with the most tests first. */
function packageFolders() {
  const packages = readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}`)
  return [...packages, 'scripts'].sort((a, b) => testsOf(b).length - testsOf(a).length)
}

function testsOf(folder) {
  return compiledTests(`${folder}/dist/test`)
}

/** A file that runs several in one process, which spares each of them a start; those themselves when they are few. */
function together(folder, tests) {
  if (tests.length < 2) return tests
  const file = path.join(results, 'tests', `${folder.replace('/', '-')}.mjs`)
  mkdirSync(path.dirname(file), { recursive: true })
  const urls = tests.map((test) => pathToFileURL(path.join(root, test)).href)
  writeFileSync(file, urls.map((url) => `import '${url}'\n`).join(''))
  return [file]
}

/** Compiled tests whose source is still there. */
function compiledTests(folder) {
  const whole = path.join(root, folder)
  if (!existsSync(whole)) return []
  const source = folder.replace('/dist', '')
  return readdirSync(whole, { recursive: true })
    .filter(
      (name) =>
        name.endsWith('.test.js') &&
        existsSync(path.join(root, source, name.replace(/\.js$/, '.ts'))),
    )
    .map((name) => path.join(folder, name))
}
