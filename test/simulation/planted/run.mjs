// npm run sim -- --planted [--only NAME] [--seconds N]: takes the safeguards of list.mjs away in copies of the built code.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { planted } from './list.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.resolve(here, '../../..')
const PACKAGES = ['env', 'protocol', 'remoting', 'store', 'namesrv', 'broker', 'client']
/** How long a seed may be looked for when the one of the list does not find it any more. */
const SEARCH_SECONDS = 600

/** Copies what simulations need, with one place changed. Throws when it does not stand there once. */
function copyWith(name, edits) {
  const folder = path.join(root, '.build/planted', name)
  rmSync(folder, { recursive: true, force: true })
  const links = path.join(folder, 'node_modules/@skylarkmq')
  mkdirSync(links, { recursive: true })
  for (const each of PACKAGES) {
    const to = path.join(folder, 'packages', each)
    cpSync(path.join(root, 'packages', each, 'dist/src'), path.join(to, 'dist/src'), {
      recursive: true,
    })
    cpSync(path.join(root, 'packages', each, 'package.json'), path.join(to, 'package.json'))
    symlinkSync(to, path.join(links, each), 'junction')
  }
  cpSync(path.join(root, 'test/dist/simulation'), path.join(folder, 'test/dist/simulation'), {
    recursive: true,
  })
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n')
  for (const { file, from, to } of edits) {
    const target = path.join(folder, file)
    const parts = readFileSync(target, 'utf8').split(from)
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`)
    writeFileSync(target, parts.join(to))
  }
  return folder
}

function seek(folder, kind, { from, most, seconds, short = false }) {
  const args = [path.join(here, 'child.mjs'), folder, kind, from, most, seconds, short].map(String)
  const out = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: 'pipe' })
  return JSON.parse(out.trim().split('\n').at(-1))
}

/** Whether each of them is found, by its own seed or by another within the time. */
export async function runPlanted({ only, seconds }) {
  const sound = copyWith('sound', [])
  let isFound = true
  for (const each of planted.filter(({ name }) => only === undefined || name === only)) {
    const { kind, seed, short } = each.found
    const folder = copyWith(each.name, [each])
    const once = { from: seed, most: 1, seconds: SEARCH_SECONDS, short }
    let found = seek(folder, kind, once)
    if (found.seed === undefined) {
      const time = Math.max(Number(seconds), only === undefined ? SEARCH_SECONDS : 0)
      found = seek(folder, kind, { from: seed, most: 1e9, seconds: time, short })
    }
    const isOwn =
      found.seed !== undefined &&
      seek(sound, kind, { ...once, from: found.seed }).seed === undefined
    if (found.seed === undefined) console.log(`NOT FOUND ${each.name}: ${found.tried} seeds passed`)
    else if (!isOwn) console.log(`NOT FOUND ${each.name}: seed ${found.seed} fails without it, too`)
    else console.log(`found ${each.name}: ${kind} ${found.seed}: ${found.reason.slice(0, 200)}`)
    isFound &&= isOwn
  }
  return isFound
}
