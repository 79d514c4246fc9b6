/** The type of expression that is read as SQL. Apache: `ExpressionType.java`. */
export const SQL92 = 'SQL92'

const TAG = 'TAG'

/** Whether an expression names tags, which the consume queue knows; every other needs properties. */
export function isTagExpression(type: string | undefined): boolean {
  return type === undefined || type === '' || type === TAG
}
