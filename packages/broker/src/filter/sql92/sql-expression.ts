import { recordSpans } from '@skylarkmq/protocol'
import type { MessageFilter } from '@skylarkmq/store'
import { compileNode, UnfitOperand, type Predicate } from './compile.ts'
import { parse, SyntaxError as BadSyntax } from './grammar.js'
import type { SqlNode } from './nodes.ts'
import { PropertyLookup } from './property-lookup.ts'
import { Truth } from './truth.ts'
import { withoutComments } from './without-comments.ts'

/** Longest expression that is read, in characters. Those in use are a tenth of it at most, and reading takes its time. */
export const EXPRESSION_LENGTH_MAX = 16 * 1024
/**
 * What the messages of one pull may cost to be tested, in characters that the host searches: some 10 ms. Expressions in
 * use come to a tenth of it with all messages that one pull looks at.
 */
export const PULL_COST_MAX = 32 * 1024 * 1024

/** A SQL92 expression ready to be tested on messages. Apache: `SqlFilter.java`. */
export class SqlExpression implements MessageFilter {
  readonly #lookup: PropertyLookup
  readonly #test: Predicate

  private constructor(lookup: PropertyLookup, test: Predicate) {
    this.#lookup = lookup
    this.#test = test
  }

  /** Reads an expression; what is wrong with it, as a text, when it is none. */
  static compile(text: string): SqlExpression | string {
    if (text.length > EXPRESSION_LENGTH_MAX) {
      return `an expression of ${text.length} characters is longer than ${EXPRESSION_LENGTH_MAX}`
    }
    const lookup = new PropertyLookup()
    try {
      const parsed = parse(withoutComments(text)) as SqlNode
      return new SqlExpression(lookup, compileNode(parsed, lookup))
    } catch (error) {
      if (error instanceof BadSyntax || error instanceof UnfitOperand) return error.message
      throw error
    }
  }

  /** What all tests have cost up to now. */
  get cost(): number {
    return this.#lookup.cost
  }

  /** The consume queue knows nothing of properties. */
  matchesTagsCode(): boolean {
    return true
  }

  /** Whether a message with these encoded properties matches. Unknown is no, and so is an evaluation that fails. */
  matchesProperties(bytes: Buffer, start = 0, end = bytes.length): boolean {
    this.#lookup.look(bytes, start, end)
    return this.#test() === Truth.TRUE
  }

  /** Whether a message as it lies in the log matches. */
  matchesRecord(record: Buffer): boolean {
    const spans = recordSpans(record, 0, record.length)
    if (typeof spans === 'string') return false
    return this.matchesProperties(record, spans.propertiesStart, spans.propertiesEnd)
  }
}

/** An expression for the messages of one pull, which ends where they have cost too much: the next pull continues there. */
export class PulledExpression implements MessageFilter {
  readonly #expression: SqlExpression
  readonly #costMax: number

  constructor(expression: SqlExpression) {
    this.#expression = expression
    this.#costMax = expression.cost + PULL_COST_MAX
  }

  /** Whether the pull has cost so much that it is to end. */
  get isSpent(): boolean {
    return this.#expression.cost > this.#costMax
  }

  /** The consume queue knows nothing of properties. */
  matchesTagsCode(): boolean {
    return true
  }

  /** Whether a message as it lies in the log matches. */
  matchesRecord(record: Buffer): boolean {
    return this.#expression.matchesRecord(record)
  }
}
