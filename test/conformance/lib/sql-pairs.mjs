/**
 * Pairs of a SQL92 expression and the properties of a message, made from a seed: whole expressions, expressions with a
 * character or a word changed, and rows of words. Names, numbers and texts come from short lists, so that they meet.
 */

const NAMES = [
  'a',
  'b',
  'c',
  'A',
  '_x',
  '$1y',
  'TAGS',
  'region',
  'nOt_',
  'IsNull',
  'absent',
  'truex',
]
const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'abc',
  'true',
  'TRUE',
  'false',
  "it's",
  '1',
  '-1',
  '+1',
  '5',
  '05',
  '10',
  '2147483647',
  '2147483648',
  '-2147483648',
  '-2147483649',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '3000000000',
  '1.0',
  '1.5',
  '-1.5',
  '1e3',
  '1E400',
  '-1e400',
  '0',
  '-0',
  '0.0',
  '-0.0',
  '.5',
  '5.',
  '1d',
  '1.5F',
  '1L',
  'NaN',
  '-NaN',
  'Infinity',
  '-Infinity',
  'infinity',
  '0x10',
  '0x1p3',
  '0x1.8p1',
  '-0X.8P-1',
  '0x1.fffffffffffff8p0',
  '0x0.0000000000001p-1022',
  '0x1p-1075',
  '0x1.1p-1074',
  '4.9e-324',
  '2e-324',
  '1.7976931348623157e308',
  ' 1',
  '1 ',
  ' 1.5\t',
  '1 000',
  '1_0',
  '１２',
  '٣',
  '१.५',
  'ä',
  'ß',
  '😀',
  'x\u0001y',
  'null',
  'hangzhou',
  'shanghai',
  '9007199254740993',
  '9007199254740992',
  '0.1',
  '0.10',
  '100',
  '99',
  '1e1',
  '10.0',
  '-',
  '+',
  '--1',
  'a b',
  '%',
  '*',
  '\u0130n',
  '123456789012345678901234567890',
]
const NUMBERS = [
  '0',
  '1',
  '5',
  '10',
  '100',
  '99',
  '2147483647',
  '2147483648',
  '3000000000',
  '9223372036854775807',
  '9223372036854775808',
  '1l',
  '5L',
  '3000000000l',
  '0l',
  '007',
  '00',
  '1.0',
  '1.5',
  '.5',
  '5.',
  '1e3',
  '1E+3',
  '2e-3',
  '1e400',
  '0.0',
  '0e0',
  '1e-400',
  '4.9e-324',
  '1.',
  '1.e2',
  '0.1',
  '10.0',
  '9007199254740993',
  '9007199254740992.0',
  '1e',
  '1.5.5',
  '12345678901234567890123',
]
const COMPARISONS = ['=', '<>', '>', '>=', '<', '<=']
const TEXT_OPERATORS = ['CONTAINS', 'STARTSWITH', 'ENDSWITH', 'contains', 'StartsWith']
const WORDS = [
  ...COMPARISONS,
  ...TEXT_OPERATORS,
  'NOT',
  'AND',
  'OR',
  'not',
  'and',
  'Or',
  'BETWEEN',
  'IN',
  'IS',
  'NULL',
  'TRUE',
  'FALSE',
  '(',
  ')',
  ',',
  '+',
  '-',
  '--',
  '/*',
  '*/',
  "'",
  '"',
  '#',
  '!',
  '!=',
  '==',
  '.',
  ';',
  '\n',
  '\t',
  '\u000b',
  '\u00a0',
  '/* c */',
  '-- c\n',
  '--c\r',
  'LIKE',
  'ESCAPE',
]

/** Names and numbers that most expressions have, so that most can be read and many match. */
const USUAL_NAMES = ['a', 'b', 'c']
const USUAL_NUMBERS = ['0', '1', '5', '10', '100', '3000000000', '1.0', '1.5', '.5', '1e3', '0.1']

/** Numbers in [0, 1) that a seed decides. */
function numbers(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One maker of pairs; what it makes depends on the seed alone. */
class PairMaker {
  constructor(seed) {
    this.next = numbers(seed)
  }

  below(n) {
    return Math.floor(this.next() * n)
  }

  of(list) {
    return list[this.below(list.length)]
  }

  /** One of the makers, those with more weight more often. */
  choose(...choices) {
    let at = this.below(choices.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, make] of choices) {
      if (at < weight) return make()
      at -= weight
    }
    throw new Error('the weights add up')
  }

  name() {
    return this.of(this.below(4) > 0 ? USUAL_NAMES : NAMES)
  }

  number() {
    return this.of(this.below(6) > 0 ? USUAL_NUMBERS : NUMBERS)
  }

  literalText() {
    return `'${this.of(TEXTS).replaceAll("'", "''")}'`
  }

  gap() {
    return this.choose(
      [30, () => ' '],
      [2, () => '  '],
      [1, () => '\n'],
      [1, () => ' /* x ** y */ '],
      [1, () => ' -- x\n'],
    )
  }

  /** A value, now and then one where Apache wants another. */
  value(depth) {
    return this.choose(
      [8, () => this.name()],
      [5, () => this.number()],
      [3, () => this.literalText()],
      [2, () => `-${this.number()}`],
      [1, () => `+${this.number()}`],
      [1, () => this.of(['TRUE', 'FALSE', 'true', 'NULL'])],
      [1, () => `- ${this.value(depth)}`],
      [1, () => (depth > 0 ? `(${this.condition(depth - 1)})` : this.name())],
      [1, () => `(${this.value(depth)})`],
    )
  }

  simple(depth) {
    const g = this.gap()
    const not = this.below(3) === 0 ? `NOT${this.gap()}` : ''
    return this.choose(
      [6, () => `${this.name()}${g}${this.of(COMPARISONS)}${g}${this.number()}`],
      [5, () => `${this.name()}${this.of(['=', '<>'])}${this.literalText()}`],
      [2, () => `${this.value(depth)}${g}${this.of(COMPARISONS)}${g}${this.value(depth)}`],
      [3, () => `${this.name()} ${not}${this.of(TEXT_OPERATORS)}${g}${this.literalText()}`],
      [1, () => `${this.value(depth)} ${not}${this.of(TEXT_OPERATORS)}${g}${this.literalText()}`],
      [3, () => `${this.name()} ${not}BETWEEN ${this.number()}${g}AND ${this.number()}`],
      [1, () => `${this.value(depth)} ${not}between ${this.value(depth)} AND ${this.value(depth)}`],
      [3, () => `${this.name()} ${not}IN${g}(${this.texts()})`],
      [1, () => `${this.value(depth)} ${not}in (${this.texts()})`],
      [3, () => `${this.name()} IS ${not}NULL`],
      [1, () => `${this.value(depth)} IS ${not}NULL`],
      [1, () => this.of(['TRUE', 'FALSE', 'NULL', ...NAMES])],
      [1, () => this.value(depth)],
    )
  }

  texts() {
    return Array.from({ length: 1 + this.below(6) }, () => this.literalText()).join(
      this.of([',', ', ', ' , ']),
    )
  }

  condition(depth) {
    if (depth <= 0) return this.simple(0)
    const deeper = () => this.condition(depth - 1 - this.below(2))
    return this.choose(
      [5, () => this.simple(depth - 1)],
      [4, () => `${deeper()}${this.gap()}AND${this.gap()}${deeper()}`],
      [4, () => `${deeper()}${this.gap()}OR${this.gap()}${deeper()}`],
      [3, () => `NOT (${deeper()})`],
      [1, () => `NOT ${deeper()}`],
      [2, () => `(${deeper()})`],
      [1, () => `${deeper()} ${this.of(COMPARISONS)} ${deeper()}`],
      [1, () => `${deeper()} IS NULL`],
    )
  }

  /** An expression with a piece taken out, put in or followed by something. */
  damaged() {
    const whole = this.condition(2)
    const at = this.below(whole.length + 1)
    const piece = () => this.of([...WORDS, ...NUMBERS, ...NAMES])
    return this.choose(
      [2, () => whole.slice(0, at) + whole.slice(at + 1 + this.below(3))],
      [2, () => whole.slice(0, at) + piece() + whole.slice(at)],
      [2, () => `${whole} ${piece()} ${piece()}`],
      [1, () => `${whole}${piece()}`],
      [1, () => `${piece()} ${whole}`],
    )
  }

  soup() {
    const word = () => this.of([WORDS, NUMBERS, NAMES][this.below(3)])
    return Array.from({ length: 1 + this.below(7) }, word).join(this.of([' ', '']))
  }

  expression() {
    return this.choose(
      [14, () => this.condition(this.below(4))],
      [2, () => this.damaged()],
      [1, () => this.soup()],
    )
  }

  /** Encoded properties, now and then not as a client writes them. */
  properties() {
    const piece = () => `${this.name()}\u0001${this.of(TEXTS)}`
    const pieces = Array.from({ length: this.below(10) }, () =>
      this.below(20) === 0
        ? this.of(['a', 'a\u0001', '\u00011', '', 'b\u0001\u0001', 'ab\u00011'])
        : piece(),
    )
    return pieces.join('\u0002') + (this.below(2) === 0 ? '\u0002' : '')
  }
}

/** `count` pairs `{ expression, properties }`; each expression comes with a few sets of properties. */
export function sqlPairs(seed, count) {
  const maker = new PairMaker(seed)
  const pairs = []
  while (pairs.length < count) {
    const expression = maker.expression()
    for (let i = 0; i < 3 && pairs.length < count; i++) {
      pairs.push({ expression, properties: maker.properties() })
    }
  }
  return pairs
}
