/**
 * An expression with a blank in the place of each comment. A comment is `--` up to the end of the line, which has to
 * come, or what stands between `/*` and the next `*` + `/`; neither begins within a text in quotes. One look at each
 * character: a parser that tries a comment at each of thousands of `-` would look at the rest each time.
 */
export function withoutComments(expression: string): string {
  const lineEnd = /[\n\r]/g
  let hasLineEnd = true
  let hasBlockEnd = true
  let result = ''
  let from = 0
  for (let at = 0; at < expression.length;) {
    let end = -1
    const two = expression.slice(at, at + 2)
    if (two.startsWith("'")) {
      const close = expression.indexOf("'", at + 1)
      if (close < 0) break
      at = close + 1
      continue
    }
    if (two === '--' && hasLineEnd) {
      lineEnd.lastIndex = at + 2
      hasLineEnd = lineEnd.test(expression)
      end = hasLineEnd ? lineEnd.lastIndex : -1
    } else if (two === '/*' && hasBlockEnd) {
      const close = expression.indexOf('*/', at + 2)
      hasBlockEnd = close >= 0
      end = hasBlockEnd ? close + 2 : -1
    }
    if (end < 0) {
      at++
      continue
    }
    result += `${expression.slice(from, at)} `
    from = end
    at = end
  }
  return result + expression.slice(from)
}
