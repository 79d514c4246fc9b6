/** A row of an error table: one thing that can go wrong. */
export interface ErrorRow<V> {
  /** The sentence a person reads: what happened, and where. */
  readonly says: (values: V) => string
  /** What the program does by itself, or what the reader should do next. */
  readonly does: string
  /** Who can act on it. */
  readonly for: 'user' | 'operator' | 'peer'
}

/**
 * The root of every operating error of Skylark. `code` is for programs and never changes its meaning,
 * `message` is for people, `values` holds what the message was made of.
 */
export class SkylarkError<V = unknown> extends Error {
  readonly code: string
  readonly values: V
  /** What happens next, or what the reader should do. */
  readonly advice: string

  constructor(code: string, message: string, advice: string, values: V, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = code
    this.code = code
    this.values = values
    this.advice = advice
  }
}

/** The constructor that `defineError` makes: typed values, and an optional cause. */
export interface SkylarkErrorClass<V> {
  new (values: V, cause?: unknown): SkylarkError<V>
  readonly code: string
  readonly row: ErrorRow<V>
}

/**
 * Creates the base class of one row of a package's error table; the row's class extends it by name. Codes are never
 * reused, so programs may rely on them.
 */
export function defineError<V>(code: string, row: ErrorRow<V>): SkylarkErrorClass<V> {
  return class extends SkylarkError<V> {
    static readonly code = code
    static readonly row = row
    constructor(values: V, cause?: unknown) {
      super(code, row.says(values), row.does, values, cause)
    }
  }
}

/**
 * Fails the process on a programming error: a state that no input and no fault of the host can cause. Always on,
 * because a wrong broker is worse than a stopped one.
 */
export function invariant(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${sentence}`)
}
