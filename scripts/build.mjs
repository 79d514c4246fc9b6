// Makes the parser of SQL92 expressions, compiles all packages and bundles the command into one file: npm run build.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { installIfMissing } from './prepare.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

/** Compiles what changed since the last build, having installed what it takes. Throws when it does not compile. */
export async function build() {
  installIfMissing()
  // It needs what may just have been installed.
  const { writeParser } = await import('./grammar.mjs')
  await writeParser()
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-b'], { cwd: root, stdio: 'inherit' })
  const esbuild = await import('esbuild')
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['packages/skylarkmq/dist/src/main.js'],
    outfile: 'packages/skylarkmq/dist/skylark.js',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    legalComments: 'none',
    sourcemap: true,
    logLevel: 'warning',
    // commander is CommonJS, and asks for Node's modules by require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build()
  } catch (error) {
    if (error.status === undefined) console.error(error)
    process.exitCode = 1
  }
}
