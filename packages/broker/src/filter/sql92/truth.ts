import { javaBoolean, javaCompare, javaDouble, javaInt, javaLong } from './java-number.ts'
import type { NumberType, OrderOperator } from './nodes.ts'

/**
 * What a condition comes to: SQL's three values, and FAILED where Apache's evaluation throws. A failure makes the
 * whole expression match nothing, unless AND or OR was decided before it came to it.
 */
export const Truth = { FALSE: 0, TRUE: 1, UNKNOWN: 2, FAILED: 3 } as const
/** See `Truth`. */
export type Truth = (typeof Truth)[keyof typeof Truth]

/** A number with its type in Java. */
export interface SqlNumber {
  readonly type: NumberType
  readonly value: number | bigint
}

/** What an operand comes to; null where there is nothing, `Truth.FAILED` where Apache throws. */
export type SqlValue = string | boolean | SqlNumber | null | typeof Truth.FAILED

/** TRUE or FALSE. */
export const truthOf = (holds: boolean): Truth => (holds ? Truth.TRUE : Truth.FALSE)

/** NOT of it. */
export function negated(truth: Truth): Truth {
  if (truth === Truth.TRUE) return Truth.FALSE
  return truth === Truth.FALSE ? Truth.TRUE : truth
}

/** Compares numbers as the wider of their types. Below, at or above zero. */
export function compareNumbers(left: SqlNumber, right: SqlNumber): number {
  const isDouble = left.type === 'double' || right.type === 'double'
  if (!isDouble) return javaCompare(left.value, right.value)
  return javaCompare(Number(left.value), Number(right.value))
}

/**
 * `left = right`. Nothing equals nothing; with nothing on the left alone it is unknown, on the right alone
 * false. A text beside a number is read as a number of that type, beside a boolean as a boolean; a boolean on the
 * left of a text fails. Apache: `ComparisonExpression.java`, doCreateEqual.
 */
export function equal(left: SqlValue, right: SqlValue): Truth {
  if (left === Truth.FAILED || right === Truth.FAILED) return Truth.FAILED
  if (left === null) return right === null ? Truth.TRUE : Truth.UNKNOWN
  if (right === null) return Truth.FALSE
  if (typeof left === 'string' && typeof right === 'boolean') {
    return truthOf(javaBoolean(left) === right)
  }
  if (typeof left === 'boolean' && typeof right === 'string') return Truth.FAILED
  if (typeof left !== 'object' && typeof right !== 'object') return truthOf(left === right)
  if (typeof left === 'boolean' || typeof right === 'boolean') return Truth.FALSE
  const order = compareWithNumber(left, right)
  return order === undefined ? Truth.FAILED : truthOf(order === 0)
}

/**
 * `left > right` and its like. Two texts are compared as doubles, a text and a number as numbers of that
 * type; a text that is no such number fails. Apache: `ComparisonExpression.java`, evaluate.
 */
export function ordered(operator: OrderOperator, left: SqlValue, right: SqlValue): Truth {
  if (left === Truth.FAILED) return left
  if (left === null) return Truth.UNKNOWN
  if (right === Truth.FAILED) return right
  if (right === null) return Truth.UNKNOWN
  const order =
    typeof left === 'string' && typeof right === 'string'
      ? compareAsDoubles(left, right)
      : compareWithNumber(left as string | SqlNumber, right as string | SqlNumber)
  if (order === undefined) return Truth.FAILED
  switch (operator) {
    case '>':
      return truthOf(order > 0)
    case '>=':
      return truthOf(order >= 0)
    case '<':
      return truthOf(order < 0)
    case '<=':
      return truthOf(order <= 0)
  }
}

function compareAsDoubles(left: string, right: string): number | undefined {
  const a = javaDouble(left)
  const b = a === undefined ? undefined : javaDouble(right)
  return a === undefined || b === undefined ? undefined : javaCompare(a, b)
}

/** Compares two of which at least one is a number; undefined when the text is not a number of its type. */
function compareWithNumber(
  left: string | SqlNumber,
  right: string | SqlNumber,
): number | undefined {
  if (typeof left === 'string') {
    const like = right as SqlNumber
    const value = readAs(like.type, left)
    return value === undefined ? undefined : javaCompare(value, like.value)
  }
  if (typeof right !== 'string') return compareNumbers(left, right)
  const value = readAs(left.type, right)
  return value === undefined ? undefined : javaCompare(left.value, value)
}

function readAs(type: NumberType, text: string): number | bigint | undefined {
  switch (type) {
    case 'int':
      return javaInt(text)
    case 'long':
      return javaLong(text)
    case 'double':
      return javaDouble(text)
  }
}
