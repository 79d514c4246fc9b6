// Makes the packages as they are published: one file for ES modules, one for CommonJS, their types. The packages of this
// repository that one is built of go into those files; only the client stays apart, so that there is one of it.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const packed = path.join(root, '.build/package')
const CLIENT = '@skylarkmq/client'
const WORDS = ['rocketmq', 'apache-rocketmq', 'message-queue', 'mq']

/** What is published, each with its source, what goes into it, and words by which it is found. */
const PACKAGES = {
  client: {
    source: 'packages/client',
    inlined: ['env', 'protocol', 'remoting'],
    keywords: ['producer', 'consumer'],
  },
  testing: {
    source: 'packages/testing',
    inlined: ['env', 'protocol', 'remoting', 'store', 'namesrv', 'broker', 'metrics', 'server'],
    keywords: ['testing', 'vitest', 'jest', 'in-memory'],
  },
  idempotent: {
    source: 'packages/idempotent',
    inlined: ['env'],
    keywords: ['idempotent', 'exactly-once', 'outbox'],
  },
  opentelemetry: {
    source: 'packages/opentelemetry',
    inlined: [],
    keywords: ['opentelemetry', 'tracing'],
  },
  nestjs: { source: 'integrations/nestjs', inlined: [], keywords: ['nestjs', 'microservices'] },
  fastify: {
    source: 'integrations/fastify',
    inlined: [],
    keywords: ['fastify', 'fastify-plugin'],
    augments: true,
  },
}

/** Their names, without the scope. */
export const PACKED = Object.keys(PACKAGES)

/** Builds a package and returns its folder, the path of its tarball and what npm says of it. It must be compiled. */
export async function pack(name) {
  const { source, inlined, keywords, augments = false } = PACKAGES[name]
  const folder = path.join(packed, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const own = JSON.parse(readFileSync(path.join(root, source, 'package.json'), 'utf8'))
  const external = [CLIENT, ...Object.keys({ ...own.peerDependencies, ...foreign(own) })]
  await bundle(source, folder, name === 'client' ? [] : external)
  const types = await typesOf(name, source, inlined, augments)
  for (const file of ['index.d.ts', 'index.d.cts']) writeFileSync(path.join(folder, file), types)
  const manifest = manifestOf(own, name, [...WORDS, ...keywords])
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'))
  copyFileSync(path.join(root, source, 'README.md'), path.join(folder, 'README.md'))
  const [said] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', '..'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  return { name, folder, tarball: path.join(packed, said.filename), packed: said }
}

/** Dependencies that are not of this repository. */
function foreign({ dependencies = {} }) {
  const all = Object.entries(dependencies)
  return Object.fromEntries(all.filter(([each]) => !each.startsWith('@skylarkmq/')))
}

async function bundle(source, folder, external) {
  const esbuild = await import('esbuild')
  for (const [format, file] of [
    ['esm', 'index.js'],
    ['cjs', 'index.cjs'],
  ]) {
    await esbuild.build({
      entryPoints: [path.join(root, source, 'dist/src/index.js')],
      outfile: path.join(folder, file),
      bundle: true,
      format,
      external,
      platform: 'node',
      target: 'node20',
      legalComments: 'none',
      logLevel: 'warning',
    })
  }
}

async function typesOf(name, source, inlined, inlineDeclareExternals) {
  // By the names of their packages, not by where the links of the workspace lead.
  const config = path.join(packed, `tsconfig.${name}.json`)
  const compilerOptions = { preserveSymlinks: true }
  const extending = path.relative(packed, path.join(root, source, 'tsconfig.json'))
  writeFileSync(config, JSON.stringify({ extends: extending, compilerOptions }))
  const { generateDtsBundle } = await import('dts-bundle-generator')
  const inlinedLibraries = inlined.map((each) => `@skylarkmq/${each}`)
  const [types] = generateDtsBundle(
    [
      {
        filePath: path.join(root, source, 'src/index.ts'),
        libraries: { inlinedLibraries, allowedTypesLibraries: ['node'] },
        output: { noBanner: true, exportReferencedTypes: false, inlineDeclareExternals },
      },
    ],
    { preferredConfigPath: config },
  )
  return types
}

function manifestOf(own, name, keywords) {
  const { version, description, license, engines } = own
  const client = name === 'client' ? {} : { [CLIENT]: version }
  const dependencies = foreign(own)
  return {
    name: own.name,
    version,
    description,
    keywords,
    license,
    type: 'module',
    sideEffects: false,
    engines,
    main: './index.cjs',
    types: './index.d.cts',
    exports: {
      '.': {
        import: { types: './index.d.ts', default: './index.js' },
        require: { types: './index.d.cts', default: './index.cjs' },
      },
      './package.json': './package.json',
    },
    files: ['index.js', 'index.cjs', 'index.d.ts', 'index.d.cts'],
    ...(Object.keys(dependencies).length === 0 ? {} : { dependencies }),
    peerDependencies: { ...client, ...own.peerDependencies, '@types/node': '>=20' },
    peerDependenciesMeta: { '@types/node': { optional: true } },
  }
}
