import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Problem } from './checks.ts'

/** Where behaviours are declared, and the client that shows them. */
interface Sources {
  readonly client: string
  readonly files: readonly string[]
  readonly name: RegExp
}

/** What the READMEs claim, and what the conformance programs show. */
const CLAIMS = 'test/conformance/README.md'
const READMES = ['README.md', 'README.zh-CN.md']
/** Behaviours of what is not built yet. */
const NOT_BUILT = new Set(['pop'])

/** A row of a Markdown table. */
interface TableRow {
  readonly cells: readonly string[]
  readonly line: number
}

/**
 * Tables that name behaviours: test/conformance/README.md has each behaviour once, with the clients that show it; the
 * READMEs have patterns in the third column, the same ones in each language; each of them means a behaviour, and together they
 * leave none out of what is built.
 */
export function checkConformanceTables(root: string): Problem[] {
  const shown = behaviours(root)
  const text = (file: string): string => readFileSync(path.join(root, file), 'utf8')
  return [
    ...checkBehaviourTable(CLAIMS, text(CLAIMS), shown),
    ...checkPatterns(
      READMES.map((file) => ({ file, text: text(file) })),
      [...shown.keys()].filter((name) => !NOT_BUILT.has(name)),
    ),
  ]
}

/** Clients by behaviour, as the programs declare them. */
function behaviours(root: string): Map<string, Set<string>> {
  const folder = path.join(root, 'test/conformance')
  const java = path.join(folder, 'java/src/conformance')
  const sources: Sources[] = [
    {
      client: 'go',
      files: [path.join(folder, 'go/main.go')],
      name: /\{"([\w-]+)", "(?:before-restart|after-restart)"/g,
    },
    {
      client: 'java',
      files: readdirSync(java).map((file) => path.join(java, file)),
      name: /"([\w-]+)", Conformance\.of\(/g,
    },
  ]
  const found = new Map<string, Set<string>>()
  for (const { client, files, name } of sources) {
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n')
    for (const [, behaviour = ''] of text.matchAll(name)) {
      found.set(behaviour, (found.get(behaviour) ?? new Set()).add(client))
    }
  }
  return found
}

/** The rows of all tables in a text. */
function rowsOf(text: string): TableRow[] {
  return text.split('\n').flatMap((line, i) => {
    if (!line.startsWith('| ')) return []
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    return [{ cells: cells.map((cell) => cell.trim()), line: i + 1 }]
  })
}

/** The behaviours that a table of `behaviour, client, shows` has too many, too few, or of other clients. */
export function checkBehaviourTable(
  file: string,
  text: string,
  shown: ReadonlyMap<string, ReadonlySet<string>>,
): Problem[] {
  const problems: Problem[] = []
  const listed = new Set<string>()
  const rows = rowsOf(text)
  const head = rows.findIndex(({ cells }) => cells[0] === 'behaviour')
  for (const { cells, line } of rows.slice(head + 2)) {
    const [names = '', clients = ''] = cells
    for (const name of names.split(', ').filter((each) => !each.includes('/'))) {
      const actual = shown.get(name)
      const says = (text: string): void => void problems.push({ file, line, says: text })
      if (actual === undefined) says(`no program shows ${name}`)
      else if (listed.has(name)) says(`${name} is listed twice`)
      else if ([...actual].sort().join() !== clients.split(', ').sort().join())
        says(`${name} is shown by ${[...actual].join(', ')}, not by ${clients}`)
      listed.add(name)
    }
  }
  for (const name of shown.keys()) {
    if (!listed.has(name)) problems.push({ file, line: 1, says: `the table lacks ${name}` })
  }
  return problems
}

/** Rows whose last cell has patterns in backquotes: each must mean a behaviour, all be meant, and languages agree. */
export function checkPatterns(
  pages: readonly { readonly file: string; readonly text: string }[],
  names: readonly string[],
): Problem[] {
  const problems: Problem[] = []
  const lists = pages.map(({ file, text }) => {
    const rows = rowsOf(text).filter(({ cells }) => cells.length === 3)
    const patterns = rows.flatMap(({ cells, line }) =>
      [...(cells[2] ?? '').matchAll(/`([^`]+)`/g)].map(([, pattern = '']) => ({ pattern, line })),
    )
    const unmet = (name: string): boolean => !patterns.some(({ pattern }) => means(pattern, name))
    for (const { pattern, line } of patterns) {
      if (pattern.includes('/') || names.some((name) => means(pattern, name))) continue
      problems.push({ file, line, says: `no behaviour is called ${pattern}` })
    }
    for (const name of names.filter(unmet)) {
      problems.push({ file, line: 1, says: `the table of what works does not name ${name}` })
    }
    return patterns.map(({ pattern }) => pattern).join()
  })
  for (const [i, { file }] of pages.entries()) {
    if (lists[i] === lists[0]) continue
    problems.push({
      file,
      line: 1,
      says: `its table names other behaviours than ${pages[0]?.file}`,
    })
  }
  return problems
}

function means(pattern: string, name: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name)
}
