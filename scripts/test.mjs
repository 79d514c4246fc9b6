// npm test [-- NAME …]: installs and builds what is missing, checks the house, runs the tests.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
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
console.log('Checking the house …')
const tidy = spawnSync(process.execPath, ['scripts/dist/tidy.js'], { cwd: root, stdio: 'inherit' })

const wanted = process.argv.slice(2)
const files = [...packageTests(), ...compiledTests('test/dist')].filter(
  (file) => wanted.length === 0 || wanted.some((name) => file.includes(name)),
)
console.log(`Running ${files.length} test files …`)
const reporter = process.env.CI ? 'spec' : 'dot'
const tests = spawnSync(
  process.execPath,
  ['--test', `--test-reporter=${reporter}`, '--test-concurrency=2', ...files],
  { cwd: root, stdio: 'inherit' },
)
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
