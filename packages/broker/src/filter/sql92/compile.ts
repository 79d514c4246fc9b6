import type { BetweenNode, CompareNode, ConstantNode, SqlNode } from './nodes.ts'
import type { PropertyLookup } from './property-lookup.ts'
import {
  compareNumbers,
  equal,
  negated,
  ordered,
  Truth,
  truthOf,
  type SqlNumber,
  type SqlValue,
} from './truth.ts'

/** Tests the message that the expression's `PropertyLookup` looks at. */
export type Predicate = () => Truth

/** An expression that is read, but that Apache refuses for what stands on the sides of an operator. */
export class UnfitOperand extends Error {}

/** Apache's evaluation is recursive too, and ends where its stack does. */
const DEPTH_MAX = 400

/**
 * What a part of an expression is. Apache asks of which class a part is in order to refuse some; `isLiteral` and
 * `test` answer that.
 */
interface Operand {
  readonly read: () => SqlValue
  /** Set for a number, which is always known beforehand. */
  readonly number?: SqlNumber | undefined
  /** As written, without a sign. */
  readonly isLiteral: boolean
  /** Set where it is a condition, or TRUE, FALSE or NULL. */
  readonly test?: Predicate | undefined
  readonly isProperty: boolean
}

/**
 * Makes a predicate of an expression: a closure for each node, over the properties of one message at a time.
 * Throws UnfitOperand where Apache finds an error after reading.
 */
export function compileNode(root: SqlNode, lookup: PropertyLookup): Predicate {
  const operand = (node: SqlNode, depth: number): Operand => {
    if (depth > DEPTH_MAX) throw new UnfitOperand('an expression has too many operators in a row')
    const part = (inner: SqlNode): Operand => operand(inner, depth + 1)
    switch (node.kind) {
      case 'constant':
        return constant(node)
      case 'property':
        return { read: lookup.reader(node.name), isLiteral: false, isProperty: true }
      case 'or':
        return condition(anyOf(node.parts.map((each) => asCondition(part(each)))))
      case 'and':
        return condition(allOf(node.parts.map((each) => asCondition(part(each)))))
      case 'not':
        return condition(inverse(asCondition(part(node.operand))))
      case 'negate':
        return negate(part(node.operand))
      case 'isNull': {
        const { read } = part(node.operand)
        return condition(() => equal(read(), null))
      }
      case 'compare':
        return condition(compare(node.operator, part(node.left), part(node.right)))
      case 'text':
        return condition(textTest(node.operator, part(node.operand), node.search, node.isNot))
      case 'between':
        return condition(between(node, part(node.operand), part(node.low), part(node.high)))
      case 'in':
        return condition(inTest(part(node.operand), node.values, node.isNot))
    }
  }
  return asCondition(operand(root, 0))
}

function constant({ type, value }: ConstantNode): Operand {
  const known = { isLiteral: true, isProperty: false }
  switch (type) {
    case 'text':
      return { ...known, read: () => value }
    case 'null':
      return { ...known, read: () => null, test: () => Truth.UNKNOWN }
    case 'boolean': {
      const truth = truthOf(value)
      return { ...known, read: () => value, test: () => truth }
    }
    case 'int':
    case 'long':
    case 'double': {
      const number = { type, value }
      return { ...known, read: () => number, number }
    }
  }
}

function condition(test: Predicate): Operand {
  return { read: () => valueOf(test()), isLiteral: false, isProperty: false, test }
}

function valueOf(truth: Truth): SqlValue {
  switch (truth) {
    case Truth.TRUE:
      return true
    case Truth.FALSE:
      return false
    case Truth.UNKNOWN:
      return null
    case Truth.FAILED:
      return truth
  }
}

/** What stands where a condition has to. A property is one that never holds: its value is a text. */
function asCondition({ test, isProperty, read }: Operand): Predicate {
  if (test !== undefined) return test
  if (!isProperty) throw new UnfitOperand('a number or a text stands where a condition has to')
  return () => (read() === null ? Truth.UNKNOWN : Truth.FALSE)
}

const inverse =
  (test: Predicate): Predicate =>
  () =>
    negated(test())

function allOf(parts: readonly Predicate[]): Predicate {
  return decidedBy(Truth.FALSE, Truth.TRUE, parts)
}

function anyOf(parts: readonly Predicate[]): Predicate {
  return decidedBy(Truth.TRUE, Truth.FALSE, parts)
}

/** The first part that decides ends it; without one it is unknown if a part is. */
function decidedBy(deciding: Truth, otherwise: Truth, parts: readonly Predicate[]): Predicate {
  return () => {
    let result: Truth = otherwise
    for (const part of parts) {
      const truth = part()
      if (truth === deciding || truth === Truth.FAILED) return truth
      if (truth === Truth.UNKNOWN) result = truth
    }
    return result
  }
}

/** A sign before what is no number makes nothing of it. */
function negate({ number, read }: Operand): Operand {
  const common = { isLiteral: false, isProperty: false }
  if (number === undefined) {
    return { ...common, read: () => (read() === Truth.FAILED ? Truth.FAILED : null) }
  }
  const { type, value } = number
  // There is no −0 among whole numbers, and zero is not written as a double.
  const opposite = { type, value: value === 0 ? 0 : -value }
  return { ...common, read: () => opposite, number: opposite }
}

function compare(operator: CompareNode['operator'], left: Operand, right: Operand): Predicate {
  const [readLeft, readRight] = [left.read, right.read]
  if (operator !== '=') {
    requireOrdered(left)
    requireOrdered(right)
    return () => ordered(operator, readLeft(), readRight())
  }
  for (const each of [left, right]) {
    if (each.isLiteral && each.read() === null) throw new UnfitOperand('NULL has no equal')
  }
  const areLiterals = left.isLiteral && right.isLiteral
  if (areLiterals && left.test !== undefined && right.test === undefined) {
    throw new UnfitOperand('a boolean is compared with what is none')
  }
  return () => equal(readLeft(), readRight())
}

function requireOrdered({ isLiteral, number, test }: Operand): void {
  if ((isLiteral && number === undefined) || test !== undefined) {
    throw new UnfitOperand('only numbers and properties have an order')
  }
}

function between(node: BetweenNode, value: Operand, low: Operand, high: Operand): Predicate {
  if (node.isNot) return anyOf([compare('<', value, low), compare('>', value, high)])
  const areNumbers = low.number !== undefined && high.number !== undefined
  if (areNumbers && low.isLiteral && high.isLiteral && compareNumbers(high.number, low.number) < 0)
    throw new UnfitOperand('BETWEEN begins above its end')
  return allOf([compare('>=', value, low), compare('<=', value, high)])
}

/** False of nothing and of what is no text, with NOT too; and always when nothing is looked for. */
function textTest(operator: string, { read }: Operand, search: string, isNot: boolean): Predicate {
  if (search === '') return () => Truth.FALSE
  const finds = {
    CONTAINS: (value: string) => value.includes(search),
    STARTSWITH: (value: string) => value.startsWith(search),
    ENDSWITH: (value: string) => value.endsWith(search),
  }[operator.toUpperCase() as 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH']
  return () => {
    const value = read()
    if (value === Truth.FAILED) return value
    return truthOf(typeof value === 'string' && finds(value) !== isNot)
  }
}

function inTest(operand: Operand, values: readonly string[], isNot: boolean): Predicate {
  if (!operand.isProperty) throw new UnfitOperand('IN looks at a property only')
  const wanted = new Set(values)
  return () => {
    const value = operand.read()
    return value === null ? Truth.UNKNOWN : truthOf(wanted.has(value as string) !== isNot)
  }
}
