/** What stands in a cell, as programs get it. */
export type Cell = string | number | boolean | undefined | readonly string[]

/** How people are shown a cell. `count` has separators, `time` is a wall clock, ms since 1970, `age` a length of time in ms. */
export type Kind = 'text' | 'count' | 'time' | 'age'

/** One column of a listing. */
export interface Column<T> {
  /** Its name in JSON, YAML and CSV; people see it in capitals unless `title` is given. */
  readonly key: string
  readonly title?: string
  readonly of: (row: T) => Cell
  readonly kind?: Kind
  /** Left out of `table`, and shown by `wide` and by the formats for programs. */
  readonly isWide?: boolean
}

/** Rows of one kind, and how they are shown. The first column is the row's name. */
export interface Listing<T> {
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  /** A line above the table, for people alone. */
  readonly above?: string | undefined
  /** A line below it. */
  readonly below?: string | undefined
  /** What people are told in place of a table without rows. */
  readonly none?: string
}

/** One thing with many properties: a table of two columns, or an object. */
export interface Sheet {
  /** Name and value, in the order in which people read them. */
  readonly properties: Readonly<Record<string, Cell | object>>
  readonly kinds?: Readonly<Record<string, Kind>>
}

/** Whether it is a listing. */
export function isListing(shown: Listing<never> | Sheet): shown is Listing<never> {
  return 'columns' in shown
}

/** A row as programs get it. */
export function objectOf<T>(columns: readonly Column<T>[], row: T): Record<string, Cell> {
  return Object.fromEntries(columns.map(({ key, of }) => [key, of(row)]))
}
