// npm test [-- NAME …]: installs and builds what is missing, checks the house, runs the tests.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkNode, installIfMissing } from './prepare.mjs'

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
for (const name of ['tests.tap', 'tidy.ok']) rmSync(path.join(results, name), { force: true })

console.log('Checking the house …')
const tidy = spawnSync(process.execPath, ['scripts/dist/tidy.js'], { cwd: root, stdio: 'inherit' })
if (tidy.status === 0) writeFileSync(path.join(results, 'tidy.ok'), '')

const wanted = process.argv.slice(2)
const files = [
  ...packageTests(),
  ...compiledTests('test/dist'),
  ...compiledTests('scripts/dist/test'),
].filter((file) => wanted.length === 0 || wanted.some((name) => file.includes(name)))
console.log(`Running ${files.length} test files …`)
const reporters = [
  `--test-reporter=${process.env.CI ? 'spec' : 'dot'}`,
  '--test-reporter-destination=stdout',
  '--test-reporter=tap',
  `--test-reporter-destination=${path.join(results, 'tests.tap')}`,
]
const options = ['--test', ...reporters, '--test-concurrency=2']
const tests = spawnSync(process.execPath, [...options, ...files], { cwd: root, stdio: 'inherit' })
if (tests.status !== 0)
  console.log(`\nSome tests failed; ${path.join('.build', 'tests.tap')} has the details.`)
process.exit(tidy.status === 0 && tests.status === 0 ? 0 : 1)

function packageTests() {
  return readdirSync(path.join(root, 'packages')).flatMap((name) =>
    compiledTests(`packages/${name}/dist/test`),
  )
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
