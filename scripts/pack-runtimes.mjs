// The client's tarball on other runtimes and in bundles; part of pack-check.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const ARCH = `${process.platform}-${process.arch}`
/** Packages of the registry that hold a program for this machine, and how it is called with a file. */
const RUNTIMES = [
  ...[20, 22, 24].map((major) => ({
    name: `Node ${major}`,
    library: `node-${ARCH}@${major}`,
    file: `node-${ARCH}/bin/node`,
  })),
  { name: 'Bun', library: `@oven/bun-${ARCH}`, file: `@oven/bun-${ARCH}/bin/bun` },
  {
    name: 'Deno',
    library: `@deno/${ARCH}${process.platform === 'linux' ? '-glibc' : ''}`,
    file: `@deno/${ARCH}${process.platform === 'linux' ? '-glibc' : ''}/deno`,
    before: ['run', '--allow-all', '--node-modules-dir=manual'],
  },
]
const SHOWN = 'RMQ_SERDE\ngot order 7\nsent on 10 t k b, not number\n'
const WANTED = { module: SHOWN, commonjs: 'got hello\n' }

/** Runs the programs of the client's project on every runtime; `run` shows one and notes what is wrong. */
export async function useRuntimes(project, address, run) {
  // Deno takes a package from node_modules that this file names.
  const dependencies = { '@skylarkmq/client': '*' }
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ dependencies }))
  for (const { name, library, file, before = [] } of RUNTIMES) {
    const folder = path.join(project, 'runtimes', name.replace(' ', '-').toLowerCase())
    if (!isInstalled(folder, [library])) {
      console.log(`LEFT OUT: ${name}, for ${library} cannot be installed`)
      continue
    }
    const program = path.join(folder, 'node_modules', file)
    const module = [...before, 'dist/typed.mjs', address]
    await run(`the client on ${name}`, module, project, WANTED.module, program)
    const commonjs = [...before, 'send.cjs', address]
    await run(`the client on ${name}, as CommonJS`, commonjs, project, WANTED.commonjs, program)
  }
}

/** Bundles both programs, as an ES module and as CommonJS, and runs what comes out away from every node_modules. */
export async function useBundlers(project, address, run) {
  const tools = path.join(project, 'bundlers')
  if (!isInstalled(tools, ['esbuild', 'webpack@5', 'webpack-cli@6'])) {
    console.log('LEFT OUT: esbuild and webpack, for they cannot be installed')
    return
  }
  const bin = (name) => path.join(tools, 'node_modules/.bin', name)
  const out = path.join(project, 'bundled')
  mkdirSync(out, { recursive: true })
  const sources = { 'typed.mjs': 'dist/typed.mjs', 'send.cjs': 'send.cjs' }
  for (const [name, source] of Object.entries(sources)) {
    const isModule = name.endsWith('.mjs')
    const wanted = isModule ? WANTED.module : WANTED.commonjs
    const esbuilt = path.join(out, `esbuild-${name}`)
    const format = `--format=${isModule ? 'esm' : 'cjs'}`
    const flags = ['--bundle', '--platform=node', '--minify', format, `--outfile=${esbuilt}`]
    await run(`esbuild bundles ${name}`, [source, ...flags], project, '', bin('esbuild'))
    await run(`the client bundled by esbuild, ${name}`, [esbuilt, address], out, wanted)
    const packed = path.join(out, `webpack-${name.replace('.mjs', '.cjs')}`)
    const config = [
      ...['--entry', `./${source}`, '--target', 'node18', '--mode', 'production'],
      ...['--output-path', out, '--output-filename', path.basename(packed), '--stats', 'none'],
    ]
    await run(`webpack bundles ${name}`, config, project, '', bin('webpack'))
    await run(`the client bundled by webpack, ${name}`, [packed, address], out, wanted)
  }
}

function isInstalled(folder, libraries) {
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts']
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('npm', ['install', ...flags, '--prefix', folder, ...libraries], {
      ...{ cwd: folder, stdio: 'ignore' },
    })
    return true
  } catch {
    return false
  }
}
