/** How one key of a configuration is read, checked and shown. */
export interface Option<T> {
  /** `ignored` keys are accepted and have no effect; `doc` then says why. */
  readonly kind: 'int' | 'boolean' | 'text' | 'oneOf' | 'ignored'
  readonly default: T
  readonly doc: string
  readonly unit?: string
  /** `live` keys may be changed while the process runs; the others need a start. */
  readonly applies: 'live' | 'start'
  /** True for a key that Apache does not have, or does not print while it is unset: shown only when it is set. */
  readonly isQuiet?: boolean
  /** True where an invalid value only matters to a server that serves requests. */
  readonly isRefusal?: boolean
  /** Why the default differs from Apache's, if it does. */
  readonly differs?: string
  /** Parses the text of a properties file; returns the value, or a sentence that says what is wrong. */
  readonly parse: (text: string) => { readonly value: T } | { readonly problem: string }
  readonly print: (value: T) => string
}

interface Common {
  readonly doc: string
  readonly unit?: string
  readonly applies?: 'live' | 'start'
  readonly differs?: string
  readonly isQuiet?: boolean
}

/** A whole number with bounds; `outside: 'clamp'` moves a value to the nearest bound, as Apache does for some. */
export function int(
  row: Common & {
    readonly default: number
    readonly min?: number
    readonly max?: number
    readonly outside?: 'error' | 'clamp'
  },
): Option<number> {
  const min = row.min ?? -0x80000000
  const max = row.max ?? 0x7fffffff
  const parse = (text: string): { value: number } | { problem: string } => {
    if (!/^[+-]?\d{1,18}$/.test(text)) return { problem: 'it must be a whole number' }
    const value = Number(text)
    if (value >= min && value <= max) return { value }
    if (row.outside === 'clamp') return { value: Math.max(min, Math.min(max, value)) }
    return {
      problem: `it must be from ${min} to ${max}${row.unit === undefined ? '' : ` ${row.unit}`}`,
    }
  }
  return { kind: 'int', ...shared(row), default: row.default, parse, print: String }
}

/** `true` or `false`. */
export function flag(row: Common & { readonly default: boolean }): Option<boolean> {
  const parse = (text: string): { value: boolean } | { problem: string } => {
    const lower = text.toLowerCase()
    if (lower === 'true' || lower === 'false') return { value: lower === 'true' }
    return { problem: 'it must be true or false' }
  }
  return { kind: 'boolean', ...shared(row), default: row.default, parse, print: String }
}

/** Any text, or a text that `problem` accepts. */
export function text(
  row: Common & {
    readonly default: string
    /** A sentence that says what is wrong; undefined when nothing is. */
    readonly problem?: (text: string) => string | undefined
  },
): Option<string> {
  return {
    kind: 'text',
    ...shared(row),
    default: row.default,
    parse: (value) => {
      const problem = row.problem?.(value)
      return problem === undefined ? { value } : { problem }
    },
    print: String,
  }
}

/**
 * A flag for a feature that is missing: `false` has no effect, `true` is refused. `instead` says what to do without
 * it.
 */
export function absentFlag(row: {
  readonly what: string
  readonly instead: string
  readonly isQuiet?: boolean
}): Option<boolean> {
  const { what, instead } = row
  const plain = flag({
    default: false,
    doc: `Asks for ${what}, which is not built: with \`true\` the broker does not start.`,
    ...(row.isQuiet === undefined ? {} : { isQuiet: row.isQuiet }),
  })
  return {
    ...plain,
    isRefusal: true,
    parse: (text) => {
      const read = plain.parse(text)
      if ('problem' in read || !read.value) return read
      return { problem: `it asks for ${what}, which is not built; ${instead}: it must be false` }
    },
  }
}

/** One of a few words. */
export function oneOf<const W extends string>(
  words: readonly W[],
  row: Common & { readonly default: NoInfer<W> },
): Option<W> {
  const parse = (value: string): { value: W } | { problem: string } => {
    const word = words.find((each) => each.toLowerCase() === value.toLowerCase())
    return word === undefined
      ? { problem: `it must be one of ${words.join(', ')}` }
      : { value: word }
  }
  return { kind: 'oneOf', ...shared(row), default: row.default, parse, print: String }
}

/**
 * A key of Apache's that has no effect here: accepted, kept as text, warned about once. The default is null where
 * Apache has none.
 */
export function ignored(why: string, apacheDefault: string | null = ''): Option<string> {
  return {
    ...(apacheDefault === null ? { isQuiet: true } : {}),
    kind: 'ignored',
    doc: why,
    applies: 'start',
    default: apacheDefault ?? '',
    parse: (value) => ({ value }),
    print: String,
  }
}

/** Several ignored keys that share a reason, with Apache's default of each. */
export function ignoredAll<const K extends string>(
  why: string,
  apacheDefaults: Readonly<Record<K, string | null>>,
): Readonly<Record<K, Option<string>>> {
  const rows = Object.entries<string | null>(apacheDefaults).map(([key, value]) => [
    key,
    ignored(why, value),
  ])
  return Object.fromEntries(rows) as Record<K, Option<string>>
}

function shared(
  row: Common,
): Pick<Option<never>, 'doc' | 'applies' | 'unit' | 'differs' | 'isQuiet'> {
  return {
    doc: row.doc,
    applies: row.applies ?? 'start',
    ...(row.unit === undefined ? {} : { unit: row.unit }),
    ...(row.isQuiet === undefined ? {} : { isQuiet: row.isQuiet }),
    ...(row.differs === undefined ? {} : { differs: row.differs }),
  }
}

/** A program's options by key. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table of options of any type
export type OptionTable = Readonly<Record<string, Option<any>>>

/** The values of an option table. */
export type ConfigOf<T extends OptionTable> = {
  -readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never
}

/** The default of every option. */
export function defaultsOf<T extends OptionTable>(table: T): ConfigOf<T> {
  return Object.fromEntries(
    Object.entries(table).map(([key, option]) => [key, option.default as unknown]),
  ) as ConfigOf<T>
}
