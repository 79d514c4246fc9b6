import stringWidth from 'fast-string-width'
import { bold } from '../terminal.ts'
import { cellText } from './cells.ts'
import type { Column } from './listing.ts'

const GAP = '  '
const CUT = '…'
/** A column is not cut below this width. */
const NARROWEST = 8

/**
 * Rows under titles in columns as wide as their texts. Cuts the widest columns where a terminal of `width` cells has no
 * room; numbers stand on the right.
 */
export function tableText<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  { width = Infinity, isUtc = false }: { width?: number | undefined; isUtc?: boolean } = {},
): string {
  const titles = columns.map(titleOf)
  const texts = rows.map((row) => columns.map(({ of, kind }) => cellText(of(row), kind, isUtc)))
  const widths = titles.map((title, i) =>
    texts.reduce((most, cells) => Math.max(most, stringWidth(cells[i] ?? '')), stringWidth(title)),
  )
  const mayCut = columns.map(({ kind = 'text' }) => kind === 'text')
  fit(widths, mayCut, width)
  const isRight = columns.map(({ kind }) => kind === 'count' || kind === 'age')
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => padded(cell, widths[i] ?? 0, isRight[i] === true))
      .join(GAP)
      .trimEnd()
  return [bold(line(titles)), ...texts.map(line)].join('\n')
}

/** Rows as a program reads them from a pipe: a line each, separated by tabs, uncut. */
export function tabbedText<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  isUtc: boolean,
): string {
  const cellOf = ({ of, kind }: Column<T>, row: T): string => {
    const cell = of(row)
    // Separators and units are for people.
    const isPlain = typeof cell === 'number' && kind !== 'time'
    return isPlain ? String(cell) : cellText(cell, kind, isUtc)
  }
  const lines = rows.map((row) => columns.map((column) => cellOf(column, row)).join('\t'))
  return [columns.map(titleOf).join('\t'), ...lines].join('\n')
}

/** The title of a column. */
function titleOf<T>({ key, title }: Column<T>): string {
  return title ?? key.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase()
}

/** Takes from the widest columns of text what is too much: a number or a time that is cut is a wrong one. */
function fit(widths: number[], mayCut: readonly boolean[], width: number): void {
  const sum = (): number =>
    widths.reduce((all, each) => all + each, GAP.length * (widths.length - 1))
  const cuttable = (): number[] => widths.filter((_, i) => mayCut[i] === true)
  for (let over = sum() - width; over > 0; over = sum() - width) {
    const most = Math.max(0, ...cuttable())
    if (most <= NARROWEST) return
    const widest = widths.findIndex((each, i) => each === most && mayCut[i] === true)
    const next = Math.max(NARROWEST, ...cuttable().filter((each) => each < most))
    widths[widest] = Math.max(next, most - over, NARROWEST)
    if (widths[widest] === most) widths[widest] = most - 1
  }
}

function padded(text: string, width: number, isRight: boolean): string {
  const cut = cutTo(text, width)
  const blanks = ' '.repeat(Math.max(0, width - stringWidth(cut)))
  return isRight ? blanks + cut : cut + blanks
}

function cutTo(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const character of text) {
    const cells = stringWidth(character)
    if (used + cells > width - 1) break
    kept += character
    used += cells
  }
  return kept + CUT
}
