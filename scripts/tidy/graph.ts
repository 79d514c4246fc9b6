import type { Problem } from './checks.ts'
import { fileOf, targetOf, type Source } from './source.ts'

/** Rings of imports between files, those of types too: what is understood only together is one thing in two files. */
export function checkCycles(sources: readonly Source[]): Problem[] {
  const byFile = new Map(sources.map((source) => [source.file, source]))
  const state = new Map<string, 'open' | 'done'>()
  const problems: Problem[] = []
  const visit = (source: Source, way: readonly string[]): void => {
    state.set(source.file, 'open')
    for (const { module, line } of source.imports) {
      const target = targetOf(source, module)
      const next = target === undefined ? undefined : byFile.get(target)
      if (next === undefined) continue
      if (state.get(next.file) === 'open') {
        const ring = [...way.slice(way.indexOf(next.file)), next.file].join(' → ')
        problems.push({ file: source.file, line, says: `imports go in a ring: ${ring}` })
      } else if (!state.has(next.file)) visit(next, [...way, next.file])
    }
    state.set(source.file, 'done')
  }
  for (const source of sources) if (!state.has(source.file)) visit(source, [source.file])
  return problems
}

/** Files of a package's sources that nobody imports. */
export function checkDeadFiles(sources: readonly Source[]): Problem[] {
  const imported = new Set<string>()
  for (const source of sources) {
    for (const { module } of source.imports) {
      const target = fileOf(source, module)
      if (target !== undefined) imported.add(target)
    }
  }
  return sources
    .filter(
      ({ file }) =>
        /^(packages|integrations)\/[^/]+\/src\//.test(file) && !/\/(index|main)\.ts$/.test(file),
    )
    .filter(({ file }) => !imported.has(file))
    .map(({ file }) => ({ file, line: 1, says: 'nobody imports this file: remove it, or use it' }))
}
