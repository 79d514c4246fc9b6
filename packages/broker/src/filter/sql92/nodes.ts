/** The type that a number has in Java, which decides how a text is read that is compared with it. */
export type NumberType = 'int' | 'long' | 'double'

/** A literal. */
export type ConstantNode =
  | { readonly kind: 'constant'; readonly type: 'int' | 'double'; readonly value: number }
  | { readonly kind: 'constant'; readonly type: 'long'; readonly value: bigint }
  | { readonly kind: 'constant'; readonly type: 'text'; readonly value: string }
  | { readonly kind: 'constant'; readonly type: 'boolean'; readonly value: boolean }
  | { readonly kind: 'constant'; readonly type: 'null'; readonly value: null }

/** `>` and its like, which compare numbers only. */
export type OrderOperator = '>' | '>=' | '<' | '<='

/** What grammar.peggy makes of an expression. */
export type SqlNode =
  | ConstantNode
  | { readonly kind: 'property'; readonly name: string }
  | { readonly kind: 'or' | 'and'; readonly parts: readonly SqlNode[] }
  | { readonly kind: 'not' | 'negate' | 'isNull'; readonly operand: SqlNode }
  | CompareNode
  | {
      readonly kind: 'text'
      /** CONTAINS, STARTSWITH or ENDSWITH, in any case. */
      readonly operator: string
      readonly operand: SqlNode
      readonly search: string
      readonly isNot: boolean
    }
  | BetweenNode
  | {
      readonly kind: 'in'
      readonly operand: SqlNode
      readonly values: readonly string[]
      readonly isNot: boolean
    }

/** Two sides of `=`, or of an order. */
export interface CompareNode {
  readonly kind: 'compare'
  readonly operator: '=' | OrderOperator
  readonly left: SqlNode
  readonly right: SqlNode
}

/** `[NOT] BETWEEN low AND high`. */
export interface BetweenNode {
  readonly kind: 'between'
  readonly operand: SqlNode
  readonly low: SqlNode
  readonly high: SqlNode
  readonly isNot: boolean
}
