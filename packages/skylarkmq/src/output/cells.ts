import { printable } from '@skylarkmq/env'
import type { Cell, Kind } from './listing.ts'

const UNKNOWN = '–'
const AGES: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

/** A length of time in its two largest units: `4m10s`, `2d3h`, `0s`. */
export function ageText(ms: number): string {
  let left = Math.max(0, Math.round(ms / 1_000) * 1_000)
  const parts: string[] = []
  for (const [unit, unitMs] of AGES) {
    const count = Math.floor(left / unitMs)
    left -= count * unitMs
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join('') || '0s'
}

/** A wall clock time, local or UTC: `2026-01-31 12:00:00`, `2026-01-31T12:00:00Z`. */
export function timeText(ms: number, isUtc: boolean): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return UNKNOWN
  if (isUtc) return date.toISOString().replace(/\.\d+/, '')
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** A number with separators between thousands. */
export function countText(value: number): string {
  return value.toLocaleString('en-US')
}

/** A cell for people. What a server said may stand in it, so nothing of it reaches a terminal as a command. */
export function cellText(cell: Cell, kind: Kind = 'text', isUtc = false): string {
  if (cell === undefined || cell === '') return UNKNOWN
  if (typeof cell === 'number') {
    if (!Number.isFinite(cell)) return UNKNOWN
    if (kind === 'count') return countText(cell)
    if (kind === 'time') return cell <= 0 ? UNKNOWN : timeText(cell, isUtc)
    if (kind === 'age') return cell < 0 ? UNKNOWN : ageText(cell)
    return String(cell)
  }
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  if (typeof cell === 'string') return printable(cell)
  return cell.length === 0 ? UNKNOWN : printable(cell.join(' '))
}
