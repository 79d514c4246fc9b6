// Makes the package that is published as @skylarkmq/client: one file for ES modules, one for CommonJS, their types.
// The packages that it is built of go into those files, so that it depends on nothing.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const source = path.join(root, 'packages/client')
const folder = path.join(root, '.build/package/client')

/** Builds the package and returns the path of its tarball. The packages must be compiled. */
export async function packClient() {
  rmSync(path.dirname(folder), { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const esbuild = await import('esbuild')
  for (const [format, outfile] of [
    ['esm', 'index.js'],
    ['cjs', 'index.cjs'],
  ]) {
    await esbuild.build({
      entryPoints: [path.join(source, 'dist/src/index.js')],
      outfile: path.join(folder, outfile),
      bundle: true,
      format,
      platform: 'node',
      target: 'node20',
      legalComments: 'none',
      logLevel: 'warning',
    })
  }
  const types = await typesOf(path.join(source, 'src/index.ts'))
  for (const name of ['index.d.ts', 'index.d.cts']) writeFileSync(path.join(folder, name), types)
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
  copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'))
  copyFileSync(path.join(source, 'README.md'), path.join(folder, 'README.md'))
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', '..'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  return { folder, tarball: path.join(folder, '..', packed.filename), packed }
}

async function typesOf(entry) {
  const { generateDtsBundle } = await import('dts-bundle-generator')
  const inlinedLibraries = ['env', 'protocol', 'remoting'].map((name) => `@skylarkmq/${name}`)
  const [types] = generateDtsBundle(
    [
      {
        filePath: entry,
        libraries: { inlinedLibraries, allowedTypesLibraries: ['node'] },
        output: { noBanner: true, exportReferencedTypes: false, inlineDeclareExternals: false },
      },
    ],
    { preferredConfigPath: path.join(source, 'tsconfig.json') },
  )
  return types
}

function manifest() {
  const { name, version, description, license, engines } = JSON.parse(
    readFileSync(path.join(source, 'package.json'), 'utf8'),
  )
  return {
    name,
    version,
    description,
    keywords: ['rocketmq', 'apache-rocketmq', 'message-queue', 'mq', 'producer', 'consumer'],
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
    peerDependencies: { '@types/node': '>=20' },
    peerDependenciesMeta: { '@types/node': { optional: true } },
  }
}
