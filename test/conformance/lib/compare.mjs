/** Compares what two makes answered, and says where they differ in words. */
import { missingFeature, reasonFor } from './expected-differences.mjs'

/** The paths at which two JSON values differ: `[{ path, left, right }]`; a missing value is undefined. */
export function differences(left, right, path = '') {
  if (Object.is(left, right)) return []
  const bothObjects =
    isObject(left) && isObject(right) && Array.isArray(left) === Array.isArray(right)
  if (!bothObjects) return [{ path: path || '(all)', left, right }]
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...keys].flatMap((key) => {
    const step = Array.isArray(left) ? `[${key}]` : path === '' ? key : `.${key}`
    return differences(left[key], right[key], path + step)
  })
}

function isObject(value) {
  return typeof value === 'object' && value !== null
}

function shown(value) {
  if (value === undefined) return '(nothing)'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

/** Lines for a reader: each difference with what both makes said. */
export function describe(found, leftName, rightName, most = 8) {
  const width = Math.max(leftName.length, rightName.length)
  const lines = found
    .slice(0, most)
    .flatMap(({ path, left, right }) => [
      `    ${path}`,
      `      ${leftName.padEnd(width)}  ${shown(left)}`,
      `      ${rightName.padEnd(width)}  ${shown(right)}`,
    ])
  if (found.length > most) lines.push(`    … and ${found.length - most} more`)
  return lines
}

/** Names what was well only when it was shown a second time: each has to depend on what happens instead. */
export function tellSecond(names) {
  if (names.length > 0) console.log(`needed a second showing: ${names.join(', ')}`)
}

/** One verdict per name: `{ name, same, lines, reasons }`, sorted by name; `reasons` are those of meant differences. */
export function compareRuns(left, right, leftName, rightName) {
  const names = [...new Set([...left.keys(), ...right.keys()])].sort()
  return names.map((name) => {
    const ours = right.get(name)
    const theirs = left.get(name)
    const failed = [
      [leftName, theirs],
      [rightName, ours],
    ].flatMap(([make, line]) => {
      if (line === undefined) return [`    ${make}: not shown`]
      return line.ok ? [] : [`    ${make}: ${line.error}`]
    })
    const missing = theirs?.ok && ours !== undefined ? missingFeature(name, ours) : undefined
    if (missing !== undefined) {
      return { name, same: false, missing, lines: [`    not built yet: ${missing}`] }
    }
    if (failed.length > 0) return { name, same: false, lines: failed }
    const found = differences(theirs.result, ours.result)
    const reasons = new Set(found.map((one) => reasonFor(name, one)).filter(Boolean))
    const unmeant = found.filter((one) => reasonFor(name, one) === undefined)
    const meant = [...reasons].map((reason) => `    meant: ${reason}`)
    return {
      name,
      same: unmeant.length === 0,
      reasons: [...reasons],
      lines: [...meant, ...describe(unmeant, leftName, rightName)],
    }
  })
}
