import { printable, printableJson } from '@skylarkmq/env'
import { cellText } from './cells.ts'
import { isListing, objectOf, type Cell, type Column, type Listing, type Sheet } from './listing.ts'
import { tabbedText, tableText } from './table.ts'

/** The values of `-o`. */
export const FORMATS = ['table', 'wide', 'json', 'yaml', 'jsonl', 'name', 'csv'] as const

/** How results are printed. */
export type Format = (typeof FORMATS)[number]

/** Where and how something is shown. */
export interface Style {
  readonly format: Format
  /** Cells in a line of the terminal; undefined when the output is no terminal. */
  readonly width: number | undefined
  readonly isUtc: boolean
}

/** A result as text without a last line break. */
export async function textOf<T>(shown: Listing<T> | Sheet, style: Style): Promise<string> {
  if (!isListing(shown as never)) return sheetText(shown as Sheet, style)
  const listing = shown as Listing<T>
  const { columns, rows } = listing
  const objects = (): Record<string, Cell>[] => rows.map((row) => objectOf(columns, row))
  switch (style.format) {
    case 'json':
      return jsonText(objects())
    case 'jsonl':
      return objects()
        .map((each) => printableJson(JSON.stringify(each)))
        .join('\n')
    case 'yaml':
      return shownOn(style, await yamlText(objects()))
    case 'name':
      return rows.map((row) => cellText(columns[0]?.of(row))).join('\n')
    case 'csv':
      return shownOn(style, csvText(columns, rows))
    case 'wide':
      return peopleText(listing, columns, style)
    case 'table':
      return peopleText(
        listing,
        columns.filter(({ isWide }) => isWide !== true),
        style,
      )
  }
}

/** One JSON document, safe to print. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, undefined, 2).split('\n').map(printableJson).join('\n')
}

/** Text of a format that keeps what a server said: a file gets it as it is; a terminal would obey it. */
function shownOn({ width }: Style, text: string): string {
  if (width === undefined) return text
  return text
    .split('\n')
    .map((line) => printable(line, Infinity))
    .join('\n')
}

async function yamlText(value: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(value).trimEnd()
}

function peopleText<T>(
  { rows, above, below, none }: Listing<T>,
  columns: readonly Column<T>[],
  { width, isUtc }: Style,
): string {
  if (width === undefined) return tabbedText(columns, rows, isUtc)
  const table =
    rows.length === 0 ? (none ?? 'Nothing.') : tableText(columns, rows, { width, isUtc })
  return [above, table, below].filter((part) => part !== undefined).join('\n')
}

async function sheetText({ properties, kinds = {} }: Sheet, style: Style): Promise<string> {
  const { format, width, isUtc } = style
  if (format === 'json') return jsonText(properties)
  if (format === 'jsonl') return printableJson(JSON.stringify(properties))
  if (format === 'yaml') return shownOn(style, await yamlText(properties))
  const entries = Object.entries(properties).filter(
    (entry): entry is [string, Cell] => typeof entry[1] !== 'object' || Array.isArray(entry[1]),
  )
  if (format === 'name') return cellText(entries[0]?.[1])
  if (format === 'csv') {
    const columns = entries.map(([key]) => ({ key, of: (row: Record<string, Cell>) => row[key] }))
    return shownOn(style, csvText(columns, [Object.fromEntries(entries)]))
  }
  const lines = entries.map(([key, cell]) => ({ key, text: cellText(cell, kinds[key], isUtc) }))
  if (width === undefined) return lines.map(({ key, text }) => `${key}\t${text}`).join('\n')
  const longest = Math.max(0, ...lines.map(({ key }) => key.length))
  return lines.map(({ key, text }) => `${key.padEnd(longest)}  ${text}`).join('\n')
}

/** RFC 4180. */
function csvText<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const quoted = (cell: Cell): string => {
    const text = cell === undefined ? '' : Array.isArray(cell) ? cell.join(' ') : String(cell)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const lines = rows.map((row) => columns.map(({ of }) => quoted(of(row))).join(','))
  return [columns.map(({ key }) => key).join(','), ...lines].join('\n')
}
