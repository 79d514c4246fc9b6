// npm run integrations: installs what the packages of integrations/ are tested with (Nest, Fastify), which npm test does
// without, builds them and runs their tests. Its last line is `N passed, N failed`. It ends with 2 when it could not
// install: that needs the npm registry.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'
import { checkNode, installIfMissing } from './prepare.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const integrations = path.join(root, 'integrations')
const NAMES = ['nestjs', 'fastify']

/** Installs and compiles them. Throws when it cannot. */
export async function buildIntegrations() {
  installIfMissing(integrations)
  await build()
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-b', integrations], { cwd: root, stdio: 'inherit' })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  checkNode()
  try {
    installIfMissing()
    installIfMissing(integrations)
  } catch (error) {
    if (error.status === undefined) throw error
    console.error('Nest and Fastify could not be installed: that needs the npm registry.')
    process.exit(2)
  }
  try {
    await buildIntegrations()
  } catch (error) {
    if (error.status === undefined) throw error
    console.log('0 passed, 1 failed')
    process.exit(1)
  }
  test()
}

function test() {
  const results = path.join(root, '.build')
  mkdirSync(results, { recursive: true })
  const tap = path.join(results, 'integrations.tap')
  rmSync(tap, { force: true })
  const files = NAMES.flatMap((name) => {
    const folder = path.join(integrations, name, 'dist/test')
    return readdirSync(folder)
      .filter((file) => file.endsWith('.test.js'))
      .map((file) => path.join(folder, file))
  })
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${tap}`],
  ]
  const { status } = spawnSync(process.execPath, ['--test', ...reporters, ...files], {
    cwd: root,
    stdio: 'inherit',
  })
  const text = readFileSync(tap, 'utf8')
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  console.log(`${count('pass')} passed, ${count('fail') + count('cancelled')} failed`)
  process.exitCode = status ?? 1
}
