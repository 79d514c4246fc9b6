// npm run pack-check: packs the client as it is published, has publint and Are The Types Wrong look at it, and uses
// the tarball in a strict TypeScript project and in a CommonJS program, each with a server of ours. Prints its size
// and how long an import takes.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'
import { packClient } from './pack-client.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const problems = []

await build()
const { folder, tarball, packed } = await packClient()
await lint()
await checkTypes()
const project = mkdtempSync(path.join(os.tmpdir(), 'skylark-pack-'))
try {
  install()
  await use()
  measure()
} finally {
  rmSync(project, { recursive: true, force: true })
}
for (const each of problems) console.log(`wrong: ${each}`)
console.log(problems.length === 0 ? 'the package is good' : `${problems.length} things are wrong`)
process.exitCode = problems.length === 0 ? 0 : 1

async function lint() {
  const { publint } = await import('publint')
  const { formatMessage } = await import('publint/utils')
  const { messages, pkg } = await publint({ pkgDir: folder, strict: true })
  for (const each of messages) problems.push(`publint: ${formatMessage(each, pkg)}`)
  console.log(`publint: ${messages.length} messages`)
}

async function checkTypes() {
  const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core')
  const checked = await checkPackage(createPackageFromTarballData(readFileSync(tarball)))
  // Node 10 knows no exports; it is no target of this package, but main and types serve it.
  for (const each of checked.problems) problems.push(`attw: ${JSON.stringify(each)}`)
  console.log(`attw: ${checked.problems.length} problems; types: ${checked.types?.kind ?? 'none'}`)
}

/** The tarball and nothing else, beside Node's types for the compiler. */
function install() {
  for (const name of ['strict-typescript', 'commonjs']) {
    cpSync(path.join(root, 'test/package', name), project, { recursive: true })
  }
  const target = path.join(project, 'node_modules/@skylarkmq/client')
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
  for (const name of ['@types', 'undici-types']) {
    const installed = path.join(root, 'node_modules', name)
    symlinkSync(installed, path.join(project, 'node_modules', name))
  }
}

async function use() {
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  run('a strict TypeScript project compiles', [tsc, '-p', project], '')
  const { startServer } = await import('@skylarkmq/server')
  const server = await startServer({
    ...{ namesrvPort: 0, brokerPort: 0, ephemeral: true },
    ...{ events: { emit: () => undefined }, warn: () => undefined },
  })
  // A program of its own each, so that this process may serve.
  const address = server.namesrvAddr
  await runServed('as an ES module', ['dist/typed.mjs', address], 'RMQ_SERDE\ngot order 7\n')
  await runServed('as CommonJS', ['send.cjs', address], 'got hello\n')
  await server.stop()
}

function run(what, args) {
  try {
    execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' })
    console.log(`${what}: yes`)
  } catch (error) {
    problems.push(`${what}: no\n${error.stdout}${error.stderr}`)
  }
}

async function runServed(what, args, wanted) {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  try {
    const options = { cwd: project, timeout: 30_000 }
    const { stdout } = await promisify(execFile)(process.execPath, args, options)
    if (stdout !== wanted) problems.push(`${what}: it printed ${JSON.stringify(stdout)}`)
    console.log(`${what}: ${stdout.trim().replaceAll('\n', ', ')}`)
  } catch (error) {
    problems.push(`${what}: ${error.message}${error.stderr ?? ''}`)
  }
}

function measure() {
  const program = (load) =>
    `const t = performance.now(); ${load}; console.log(performance.now() - t)`
  const ways = {
    import: ['--input-type=module', '-e', program("await import('@skylarkmq/client')")],
    require: ['-e', program("require('@skylarkmq/client')")],
  }
  for (const [way, args] of Object.entries(ways)) {
    const times = Array.from({ length: 5 }, () =>
      Number(execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' })),
    )
    console.log(`${way}: ${Math.min(...times).toFixed(1)} ms at best of ${times.length}`)
  }
  const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`
  console.log(
    `tarball ${kib(statSync(tarball).size)}, installed ${kib(packed.unpackedSize)}, ${packed.entryCount} files, 0 dependencies`,
  )
}
