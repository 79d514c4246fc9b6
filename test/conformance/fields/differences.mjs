/** Where Skylark answers a field otherwise than Apache and means it; each kind is in docs/reference/differences.md. */

const expected = []

/** Why this difference is meant, or undefined when it is not. */
export function differenceOf(one, theirs, ours) {
  return expected.find((row) => row.is(one, theirs, ours))?.why
}
