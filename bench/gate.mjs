/**
 * Holds the bench's figures against `recorded.json`: by workload how many times less CPU time than Apache we took when it was
 * written. A quick run has rows of its own, for its rounds are shorter.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { medianOf } from './table.mjs'

const file = join(dirname(fileURLToPath(import.meta.url)), 'recorded.json')

/** The ratios of Apache's CPU time to ours by workload, from subjects in that order. */
export function ratiosOf(subjects, workloads) {
  const [apache, ours] = subjects
  const cost = ({ figures }, name) => medianOf(figures.get(name).map((one) => one.cpuPerMillion))
  return new Map(workloads.map(({ name }) => [name, cost(apache, name) / cost(ours, name)]))
}

/** What was recorded for this kind of run. */
export function recorded(isQuick) {
  return JSON.parse(readFileSync(file, 'utf8'))[isQuick ? 'quick' : 'full'] ?? {}
}

/** The rows whose ratio is below `margin` times the recorded one. A row that was never recorded passes. */
export function worse(ratios, rows, margin) {
  const found = []
  for (const [name, ratio] of ratios) {
    const before = rows[name]
    if (before !== undefined && !(ratio >= before * margin)) found.push({ name, ratio, before })
  }
  return found
}

/** Writes the ratios down; rows that were not run keep theirs. */
export function record(ratios, isQuick, machine) {
  const all = JSON.parse(readFileSync(file, 'utf8'))
  const kind = isQuick ? 'quick' : 'full'
  const rows = Object.entries({ ...all[kind], ...Object.fromEntries(ratios) })
  const rounded = rows.map(([name, ratio]) => [name, Number(ratio.toFixed(2))])
  const written = { ...all, [`${kind}On`]: machine, [kind]: Object.fromEntries(rounded) }
  writeFileSync(file, `${JSON.stringify(written, undefined, 2)}\n`)
}
