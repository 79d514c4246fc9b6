/** Options of a store in a database. */
export interface SqlStoreOptions {
  /**
   * Name of the table: letters, digits, `_` and one dot; default `skylark_once`. `createTable` creates it together
   * with the table of the outbox, whose name ends with `_outbox`.
   */
  readonly table?: string
}

/** The table's name, which is inserted into statements. Throws a RangeError for anything but a plain name. */
export function checkedTable({ table = 'skylark_once' }: SqlStoreOptions): string {
  if (/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(table)) return table
  throw new RangeError(
    `${JSON.stringify(table)} is no name of a table: letters, digits, _ and one dot`,
  )
}
