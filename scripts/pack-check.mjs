// npm run pack-check: packs what is published, has publint and Are The Types Wrong look at each package, and uses the
// tarballs as users do: the client in a strict TypeScript project and in a CommonJS program, the testing kit in vitest and
// in jest, Nest 10 and 11, and Fastify. Prints sizes and how long an import takes. All but the first two projects
// install from the npm registry; where that cannot be reached they are left out, and it is said.
import { execFile, execFileSync } from 'node:child_process'
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
import { promisify } from 'node:util'
import { build } from './build.mjs'
import { buildIntegrations } from './integrations.mjs'
import { pack, PACKED } from './pack.mjs'
import { useBundlers, useRuntimes } from './pack-runtimes.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
const problems = []
const tarballs = new Map()
const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`

await build()
const isOnline = await reachesRegistry()
if (isOnline) await buildIntegrations()
for (const name of PACKED) {
  if (name === 'nestjs' || name === 'fastify') if (!isOnline) continue
  await check(name)
}
const projects = mkdtempSync(path.join(os.tmpdir(), 'skylark-pack-'))
try {
  await withServer(async (address) => {
    const client = await useClient(address)
    if (!isOnline) return
    await useRuntimes(client, address, run)
    await useBundlers(client, address, run)
    for (const name of ['vitest', 'jest-esm', 'jest-commonjs']) await useTesting(name)
    for (const major of [10, 11]) await useNest(major, address)
    await useFastify(address)
  })
} finally {
  rmSync(projects, { recursive: true, force: true })
}
if (!isOnline) {
  const left = 'other runtimes, bundlers, vitest, jest, NestJS and Fastify'
  console.log(`LEFT OUT: ${left}, for the npm registry cannot be reached`)
}
for (const each of problems) console.log(`wrong: ${each}`)
console.log(problems.length === 0 ? 'the packages are good' : `${problems.length} things are wrong`)
process.exitCode = problems.length === 0 ? 0 : 1

async function reachesRegistry() {
  try {
    await promisify(execFile)('npm', ['view', 'fastify-plugin', 'version'], { timeout: 30_000 })
    return true
  } catch {
    return false
  }
}

/** Packs one package and has both linters look at it. */
async function check(name) {
  const { folder, tarball, packed } = await pack(name)
  tarballs.set(name, tarball)
  const { publint } = await import('publint')
  const { formatMessage } = await import('publint/utils')
  const { messages, pkg } = await publint({ pkgDir: folder, strict: true })
  for (const each of messages) problems.push(`${name}: publint: ${formatMessage(each, pkg)}`)
  const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core')
  const checked = await checkPackage(createPackageFromTarballData(readFileSync(tarball)))
  for (const each of checked.problems) problems.push(`${name}: attw: ${JSON.stringify(each)}`)
  const size = `tarball ${kib(statSync(tarball).size)}, installed ${kib(packed.unpackedSize)}`
  const found = `publint ${messages.length}, attw ${checked.problems.length}`
  console.log(`${pkg.name}: ${size}, ${packed.entryCount} files; ${found} problems`)
}

async function withServer(use) {
  const { startServer } = await import('@skylarkmq/server')
  const server = await startServer({
    ...{ namesrvPort: 0, brokerPort: 0, ephemeral: true },
    ...{ events: { emit: () => undefined }, warn: () => undefined },
  })
  try {
    await use(server.namesrvAddr)
  } finally {
    await server.stop()
  }
}

/** The client's tarball and nothing else, beside Node's types for the compiler: this needs no registry. */
async function useClient(address) {
  const project = path.join(projects, 'client')
  for (const name of ['strict-typescript', 'commonjs']) {
    cpSync(path.join(root, 'test/package', name), project, { recursive: true })
  }
  const target = path.join(project, 'node_modules/@skylarkmq/client')
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', tarballs.get('client'), '-C', target, '--strip-components=1'])
  linkTypes(project)
  await run('a strict TypeScript project', [tsc, '-p', project], project, '')
  const typed = ['dist/typed.mjs', address]
  const shown = 'RMQ_SERDE\ngot order 7\nsent on 10 t k b, not number\n'
  await run('the client as an ES module', typed, project, shown)
  await run('the client as CommonJS', ['send.cjs', address], project, 'got hello\n')
  measure(project)
  return project
}

/** A project whose own command runs its tests. */
async function useTesting(name) {
  const project = install(name, name, ['client', 'testing'])
  if (project === undefined) return
  const { scripts } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8'))
  try {
    const env = {
      ...process.env,
      NO_COLOR: '1',
      PATH: `${project}/node_modules/.bin:${process.env.PATH}`,
    }
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', scripts.test], {
      ...{ cwd: project, env, timeout: 120_000 },
    })
    console.log(
      `the testing kit in ${name}: ${/Tests:? +(.*)/.exec(stdout + stderr)?.[1] ?? 'passed'}`,
    )
  } catch (error) {
    problems.push(`the testing kit in ${name}: ${error.message}\n${error.stdout ?? ''}`)
  }
}

async function useNest(major, address) {
  const nest = ['common', 'core', 'microservices'].map((each) => `@nestjs/${each}@${major}`)
  const libraries = [...nest, 'reflect-metadata@0.2', 'rxjs@7']
  const project = install('nestjs', `nestjs-${major}`, ['client', 'nestjs'], libraries)
  if (project === undefined) return
  linkTypes(project)
  const { RocketMQ } = await import('@skylarkmq/client')
  const mq = new RocketMQ({ nameServers: address })
  // A consumer of another process learns of a topic that is made later within half a minute.
  for (const topic of ['NestSums', 'NestEvents', 'NestLetters']) {
    await mq.admin().topics.create(topic, { queues: 1 })
  }
  await mq.admin().groups.delete('nest-letters', { offsets: true })
  await mq.close()
  await run(`a project with Nest ${major} compiles`, [tsc, '-p', project], project, '')
  const wanted = 'sum 6\nevent 7\nletter a\n'
  await run(`Nest ${major}, in CommonJS`, ['dist/app.cjs', address], project, wanted)
}

async function useFastify(address) {
  const project = install('fastify', 'fastify', ['client', 'fastify'], ['fastify@5'])
  if (project === undefined) return
  linkTypes(project)
  await run('a strict project with Fastify compiles', [tsc, '-p', project], project, '')
  await run('Fastify', ['dist/app.mjs', address], project, '200 {"id":7}\n')
}

/** A project of test/package with tarballs of ours; undefined, and a problem, when it cannot be installed. */
function install(source, name, ours, libraries = []) {
  const project = path.join(projects, name)
  cpSync(path.join(root, 'test/package', source), project, { recursive: true })
  const files = ours.map((each) => tarballs.get(each))
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--prefix', project]
  try {
    execFileSync('npm', ['install', ...flags, ...files, ...libraries], {
      ...{ cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    })
    return project
  } catch (error) {
    problems.push(`${name} cannot be installed: ${error.stderr}`)
    return undefined
  }
}

function linkTypes(project) {
  for (const name of ['@types', 'undici-types']) {
    const target = path.join(project, 'node_modules', name)
    rmSync(target, { recursive: true, force: true })
    symlinkSync(path.join(root, 'node_modules', name), target)
  }
}

/** Runs a program to its end; what it prints has to be as wanted. */
async function run(what, args, cwd, wanted, program = process.execPath) {
  try {
    const options = { cwd, timeout: 60_000 }
    const { stdout } = await promisify(execFile)(program, args, options)
    if (stdout !== wanted) problems.push(`${what}: it printed ${JSON.stringify(stdout)}`)
    console.log(`${what}: ${stdout === '' ? 'yes' : stdout.trim().replaceAll('\n', ', ')}`)
  } catch (error) {
    problems.push(`${what}: ${error.message}${error.stdout ?? ''}${error.stderr ?? ''}`)
  }
}

function measure(cwd) {
  const program = (load) =>
    `const t = performance.now(); ${load}; console.log(performance.now() - t)`
  const ways = {
    import: ['--input-type=module', '-e', program("await import('@skylarkmq/client')")],
    require: ['-e', program("require('@skylarkmq/client')")],
  }
  for (const [way, args] of Object.entries(ways)) {
    const times = Array.from({ length: 5 }, () =>
      Number(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' })),
    )
    console.log(
      `${way} of the client: ${Math.min(...times).toFixed(1)} ms at best of ${times.length}`,
    )
  }
}
