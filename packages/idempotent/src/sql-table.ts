/** Where a database remembers. */
export interface SqlStoreOptions {
  /**
   * Name of the table, of letters, digits, `_` and one dot; default `skylark_once`. `createTable` makes it, and
   * beside it that of an outbox, whose name ends with `_outbox`.
   */
  readonly table?: string
}

/** The table's name, which goes into statements as it is. Throws a RangeError for one that could be more than a name. */
export function checkedTable({ table = 'skylark_once' }: SqlStoreOptions): string {
  if (/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(table)) return table
  throw new RangeError(
    `${JSON.stringify(table)} is no name of a table: letters, digits, _ and one dot`,
  )
}
