/** One field of a fixed binary layout. */
export interface LayoutField<N extends string = string> {
  readonly name: N
  readonly bytes: number
  readonly doc: string
}

/** Offsets by field name, and the total size. */
export type Layout<N extends string> = Readonly<Record<N, number>> & {
  readonly sizeBytes: number
  readonly fields: readonly LayoutField<N>[]
}

/**
 * Turns a table of fields into their byte offsets: `offsetsOf([{ name: 'size', bytes: 4, … }]).size` is 0.
 * A name that is not in the table does not compile.
 */
export function offsetsOf<const N extends string>(fields: readonly LayoutField<N>[]): Layout<N> {
  const offsets: Record<string, unknown> = {}
  let at = 0
  for (const field of fields) {
    offsets[field.name] = at
    at += field.bytes
  }
  offsets['sizeBytes'] = at
  offsets['fields'] = fields
  return offsets as Layout<N>
}
