/** Bodies whose compressed forms lie in golden/compressed: made anew here, so that only the short form is kept. */
export const samples: Readonly<Record<string, () => Buffer>> = {
  /** Four streams of literals, and copies from far back over several blocks. */
  orders: () => {
    const next = numbers(7)
    const lines = Array.from({ length: 4_000 }, (_, id) => {
      const name = `item-${next() % 300}`
      return JSON.stringify({ id, name, price: next() % 10_000, region: ['hz', 'bj'][next() % 2] })
    })
    return Buffer.from(lines.join('\n'))
  },
  /** Nothing repeats, but few values occur: literals alone. */
  skewed: () => {
    const next = numbers(11)
    return Buffer.from(Array.from({ length: 6_000 }, () => Math.clz32((next() << 8) | 1)))
  },
  /** One byte, again and again. */
  same: () => Buffer.alloc(200_000, 'x'),
  /** What cannot be compressed. */
  noise: () => {
    const next = numbers(13)
    return Buffer.from(Array.from({ length: 1_500 }, () => next() & 255))
  },
  short: () => Buffer.from('hello, hello, hello, hello, world'),
}

/** The numbers of a seed, 24 bits each. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 8
  }
}
