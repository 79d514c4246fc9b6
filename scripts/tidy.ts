/** Checks the rules of the house that a compiler does not: node scripts/dist/tidy.js */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  checkBans,
  checkDocs,
  checkImports,
  checkLengths,
  checkWords,
  type Problem,
} from './tidy/checks.ts'
import { checkUnusedExports } from './tidy/exports.ts'
import { checkFolderOrder } from './tidy/folders.ts'
import { checkCycles, checkDeadFiles } from './tidy/graph.ts'
import { checkConformanceTables } from './tidy/conformance-table.ts'
import { checkDocsAreCurrent } from './tidy/docs-current.ts'
import { checkPages } from './tidy/guides.ts'
import { FILE_BYTES_MAX } from './tidy/rules.ts'
import { parse } from './tidy/source.ts'

/** Folders that hold nothing of ours. */
const FOREIGN = new Set(['node_modules', 'dist', '.git', '.build', 'skylark-data', 'coverage'])

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const files = filesOf(root)
const problems = [
  ...checkSources(),
  ...checkFiles(),
  ...checkVersion(),
  ...checkDependencies(),
  ...checkDocsAreCurrent(root),
  ...checkPages(root, files),
  ...checkConformanceTables(root),
]
for (const { file, line, says } of problems) process.stdout.write(`${file}:${line}: ${says}\n`)
process.stdout.write(problems.length === 0 ? 'tidy\n' : `${problems.length} things to tidy\n`)
process.exitCode = problems.length === 0 ? 0 : 1

/** Every file of the tree, from its root, with slashes. */
function filesOf(directory: string, below = ''): string[] {
  return readdirSync(path.join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    if (!entry.isDirectory()) return [name]
    return FOREIGN.has(entry.name) ? [] : filesOf(directory, name)
  })
}

function checkSources(): Problem[] {
  const sources = files.filter((file) => file.endsWith('.ts')).map((file) => parse(root, file))
  const programs = files.filter((file) => /\.m?js$/.test(file)).map((file) => parse(root, file))
  const each = sources.flatMap((source) => [
    ...checkImports(source),
    ...checkBans(source),
    ...checkLengths(source),
    ...checkDocs(source),
    ...checkWords(source),
  ])
  return [
    ...each,
    ...checkCycles(sources),
    ...checkDeadFiles(sources),
    ...checkFolderOrder(sources),
    ...checkUnusedExports([...sources, ...programs]),
  ]
}

function checkFiles(): Problem[] {
  return files
    .filter((file) => !file.includes('/golden/') && file !== 'package-lock.json')
    .filter((file) => statSync(path.join(root, file)).size > FILE_BYTES_MAX)
    .map((file) => ({
      file,
      line: 1,
      says: `larger than ${FILE_BYTES_MAX} bytes: golden data goes into a golden folder`,
    }))
}

/** Every library that a package.json names stands in docs/internals/dependencies.md, with its reason. */
function checkDependencies(): Problem[] {
  const page = 'docs/internals/dependencies.md'
  const explained = readFileSync(path.join(root, page), 'utf8')
  return files
    .filter((file) => /(^|\/)package\.json$/.test(file))
    .flatMap((file) => {
      const { dependencies, devDependencies } = JSON.parse(
        readFileSync(path.join(root, file), 'utf8'),
      ) as Record<string, Record<string, string> | undefined>
      return Object.keys({ ...dependencies, ...devDependencies })
        .filter((name) => !name.startsWith('@skylarkmq/') && !explained.includes(name))
        .map((name) => ({ file, line: 1, says: `say in ${page} why ${name} is there` }))
    })
}

function checkVersion(): Problem[] {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  const changelog = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8')
  const head = /^## (\S+)/m.exec(changelog)?.[1]
  if (head === version) return []
  return [
    {
      file: 'CHANGELOG.md',
      line: 1,
      says: `its first version is ${head ?? 'missing'}, package.json says ${version}`,
    },
  ]
}
