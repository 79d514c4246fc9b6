import type { Problem } from './checks.ts'
import { FOLDER_ORDERS, type FolderOrder } from './rules.ts'
import { targetOf, type Source } from './source.ts'

/** Imports that run uphill between the folders of a package, and entries of the table that are not needed. */
export function checkFolderOrder(
  sources: readonly Source[],
  orders: Readonly<Record<string, FolderOrder>> = FOLDER_ORDERS,
): Problem[] {
  return Object.entries(orders).flatMap(([name, order]) => {
    const base = `packages/${name}/src/`
    const own = sources.filter(({ file }) => file.startsWith(base))
    return own.length === 0 ? [] : checkPackage(base, own, order)
  })
}

function checkPackage(base: string, sources: readonly Source[], rule: FolderOrder): Problem[] {
  const unused = new Set(Object.keys(rule.uphill))
  const problems: Problem[] = []
  for (const source of sources) {
    const from = source.file.slice(base.length)
    if (from.includes('/') && !rule.order.includes(partOf(from))) {
      const says = `give ${partOf(from)}/ its place in the order of folders, scripts/tidy/rules.ts`
      problems.push({ file: source.file, line: 1, says })
      continue
    }
    for (const { module, line } of source.imports) {
      const target = targetOf(source, module)
      if (target?.startsWith(base) !== true) continue
      const to = target.slice(base.length)
      if (levelOf(rule, to) <= levelOf(rule, from)) continue
      const entry = `${from} → ${to}`
      unused.delete(entry)
      if (entry in rule.uphill) continue
      const says = `${partOf(from)} may not import ${partOf(to)}, which is above it; the order is in scripts/tidy/rules.ts`
      problems.push({ file: source.file, line, says })
    }
  }
  const parts = new Set(sources.map(({ file }) => partOf(file.slice(base.length))))
  const gone = rule.order.filter((part) => !parts.has(part))
  return [
    ...problems,
    ...gone.map((part) => ({
      ...{ file: 'scripts/tidy/rules.ts', line: 1 },
      says: `the order of ${base} names ${part}, which is not there`,
    })),
    ...[...unused].map((entry) => ({
      ...{ file: 'scripts/tidy/rules.ts', line: 1 },
      says: `remove «${entry}»: nothing in ${base} imports so any more`,
    })),
  ]
}

/** The folder below `src` that a file is in, or the file itself. */
function partOf(file: string): string {
  return file.split('/')[0] ?? file
}

function levelOf({ order }: FolderOrder, file: string): number {
  const at = order.indexOf(partOf(file))
  return at < 0 ? order.length : at
}
