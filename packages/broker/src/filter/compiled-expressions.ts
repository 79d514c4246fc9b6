import { SQL92 } from './expression-type.ts'
import { SqlExpression } from './sql92/sql-expression.ts'

/** As many as Apache keeps. Apache: `SelectorParser.java`. */
const KEPT_MAX = 100

/** Expressions that were read lately, so that one which comes with every pull is read once. */
export class CompiledExpressions {
  readonly #kept = new Map<string, SqlExpression | string>()

  /** The expression, ready to be tested; what is wrong with it, as a text, when it cannot be read. */
  get(type: string, text: string): SqlExpression | string {
    if (type !== SQL92) return `there is no expression type ${type}`
    const known = this.#kept.get(text)
    if (known !== undefined) return known
    const compiled = SqlExpression.compile(text)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < KEPT_MAX) break
      this.#kept.delete(oldest)
    }
    this.#kept.set(text, compiled)
    return compiled
  }
}
