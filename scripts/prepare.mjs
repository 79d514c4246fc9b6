// What `npm start` and `npm test` do first: install what is missing, build what changed.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const BUNDLE = path.join(root, 'packages/skylarkmq/dist/skylark.js')

/** Installs the dependencies of a folder when there are none, or the lock file is newer than they are. */
export function installIfMissing(folder = root) {
  const installed = path.join(folder, 'node_modules/.package-lock.json')
  const lock = path.join(folder, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  console.log(`Installing what ${path.relative(root, lock)} names …`)
  const npm = process.env.npm_execpath
  const [command, args] = npm === undefined ? ['npm', ['ci']] : [process.execPath, [npm, 'ci']]
  execFileSync(command, [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  })
}

/** Builds when a source is newer than the bundle. */
export async function buildIfChanged() {
  if (existsSync(BUNDLE) && newestSource() <= statSync(BUNDLE).mtimeMs) return
  console.log('Building …')
  const { build } = await import('./build.mjs')
  await build()
}

function newestSource() {
  const folders = readdirSync(path.join(root, 'packages')).flatMap((name) => [
    path.join(root, 'packages', name, 'src'),
    path.join(root, 'packages', name, 'package.json'),
  ])
  return Math.max(0, ...folders.filter(existsSync).map(newest))
}

function newest(file) {
  const stat = statSync(file)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(file).map((name) => newest(path.join(file, name))))
}

/** Ends the process with a clear sentence where Node is too old. */
export function checkNode() {
  const wanted = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).engines.node
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`Skylark needs Node.js ${wanted}; this is ${process.versions.node}.`)
  process.exit(1)
}
