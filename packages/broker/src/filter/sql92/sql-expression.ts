import { recordSpans } from '@skylarkmq/protocol'
import type { MessageFilter } from '@skylarkmq/store'
import { compileNode, UnfitOperand, type Predicate } from './compile.ts'
import { parse, SyntaxError as BadSyntax } from './grammar.js'
import type { SqlNode } from './nodes.ts'
import { PropertyLookup } from './property-lookup.ts'
import { Truth } from './truth.ts'

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
    const lookup = new PropertyLookup()
    try {
      return new SqlExpression(lookup, compileNode(parse(text) as SqlNode, lookup))
    } catch (error) {
      if (error instanceof BadSyntax || error instanceof UnfitOperand) return error.message
      throw error
    }
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
