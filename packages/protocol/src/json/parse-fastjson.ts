import { ProtocolError } from '../errors.ts'

/** Limits of a JSON text. */
export interface JsonLimits {
  /** Levels of lists and objects. */
  readonly depth: number
  /** Names of all objects together. */
  readonly names: number
}

/** No body of the protocol is nested this deeply; the limit of names follows from the length. */
const OF_BODIES: JsonLimits = { depth: 128, names: Infinity }

/**
 * Reads JSON as Apache's fastjson 1 does: beside the standard, names without quotes or in single
 * quotes, numbers as names (they become text), further commas, and objects as names. An object with
 * objects as names becomes a Map whose keys are those objects; any other is a plain object. A whole
 * number beyond the safe integers is the nearest double.
 *
 * A ProtocolError tells what was found where, or that there is more of it than `limits` allow: what was read can be
 * walked through by functions that call themselves.
 */
export function parseFastjson(text: string, limits: JsonLimits = OF_BODIES): unknown {
  if (isWithin(text, limits)) {
    try {
      return JSON.parse(text) as unknown
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return new FastjsonReader(text, limits).readAll()
}

/** Counts brackets and colons of standard JSON; the reader below has its own counts, and the error messages. */
function isWithin(text: string, { depth, names }: JsonLimits): boolean {
  let levels = 0
  let colons = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = endOfText(text, at)
        break
      case 0x5b:
      case 0x7b:
        if (++levels > depth) return false
        break
      case 0x5d:
      case 0x7d:
        levels--
        break
      case 0x3a:
        if (++colons > names) return false
    }
  }
  return true
}

/** Where the text that begins at `at` has its closing quote, or the end of all. */
function endOfText(text: string, at: number): number {
  for (let place = at + 1; place < text.length; place++) {
    const c = text.charCodeAt(place)
    if (c === 0x22) return place
    if (c === 0x5c) place++
  }
  return text.length
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '0': '\0',
}

class FastjsonReader {
  readonly #text: string
  readonly #limits: JsonLimits
  #at = 0
  #depth = 0
  #names = 0

  constructor(text: string, limits: JsonLimits) {
    this.#text = text
    this.#limits = limits
  }

  readAll(): unknown {
    const value = this.#value()
    this.#skipBlanks()
    if (this.#at < this.#text.length) throw this.#broken('nothing more')
    return value
  }

  #broken(expected: string): ProtocolError {
    const found = this.#text.slice(this.#at, this.#at + 20)
    return new ProtocolError({
      what: `JSON at ${this.#at}: expected ${expected}, found ${JSON.stringify(found)}`,
    })
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) <= 0x20) this.#at++
  }

  /** Skips blanks and commas; fastjson takes any number of commas for one. */
  #skipCommas(): void {
    this.#skipBlanks()
    while (this.#text[this.#at] === ',') {
      this.#at++
      this.#skipBlanks()
    }
  }

  #value(): unknown {
    this.#skipBlanks()
    const c = this.#text[this.#at]
    if (c === '{') return this.#nested(() => this.#object())
    if (c === '[') return this.#nested(() => this.#array())
    if (c === '"' || c === "'") return this.#string(c)
    return this.#word()
  }

  #nested(read: () => unknown): unknown {
    const { depth } = this.#limits
    if (++this.#depth > depth) throw this.#broken(`no more than ${depth} levels`)
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  #array(): unknown[] {
    const items: unknown[] = []
    for (;;) {
      this.#skipCommas()
      if (this.#text[this.#at] === ']') break
      items.push(this.#value())
      this.#skipBlanks()
      const c = this.#text[this.#at]
      if (c !== ',' && c !== ']') throw this.#broken(', or ]')
    }
    this.#at++
    return items
  }

  #object(): unknown {
    const entries: [unknown, unknown][] = []
    let objectNames = false
    for (;;) {
      this.#skipCommas()
      if (this.#text[this.#at] === '}') break
      const { names } = this.#limits
      if (++this.#names > names) throw this.#broken(`no more than ${names} names`)
      const name = this.#name()
      objectNames ||= typeof name === 'object'
      this.#skipBlanks()
      if (this.#text[this.#at] !== ':') throw this.#broken(':')
      this.#at++
      entries.push([name, this.#value()])
      this.#skipBlanks()
      const c = this.#text[this.#at]
      if (c !== ',' && c !== '}') throw this.#broken(', or }')
    }
    this.#at++
    // Object.fromEntries defines properties, so that `__proto__` is an ordinary name.
    return objectNames ? new Map(entries) : Object.fromEntries(entries as [string, unknown][])
  }

  #name(): unknown {
    const c = this.#text[this.#at]
    if (c === '"' || c === "'") return this.#string(c)
    if (c === '{') return this.#nested(() => this.#object())
    const start = this.#at
    while (isWordCharacter(this.#text.charCodeAt(this.#at))) this.#at++
    if (this.#at === start) throw this.#broken('a name')
    return this.#text.slice(start, this.#at)
  }

  #word(): unknown {
    const start = this.#at
    while (isWordCharacter(this.#text.charCodeAt(this.#at))) this.#at++
    const word = this.#text.slice(start, this.#at)
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null' || word === 'undefined' || word === 'NaN') return null
    if (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(word)) return Number(word)
    this.#at = start
    throw this.#broken('a value')
  }

  #string(quote: string): string {
    let value = ''
    let start = ++this.#at
    for (;;) {
      const c = this.#text[this.#at]
      if (c === undefined) throw this.#broken(quote)
      if (c === quote) break
      if (c === '\\') {
        value += this.#text.slice(start, this.#at) + this.#escape()
        start = this.#at
      } else {
        this.#at++
      }
    }
    return value + this.#text.slice(start, this.#at++)
  }

  #escape(): string {
    const c = this.#text[this.#at + 1]
    if (c === 'u' || c === 'x') return this.#hex(c === 'u' ? 4 : 2)
    if (c === undefined) throw this.#broken('an escape')
    this.#at += 2
    return ESCAPES[c] ?? c
  }

  #hex(digits: number): string {
    const hex = this.#text.slice(this.#at + 2, this.#at + 2 + digits)
    if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex))
      throw this.#broken(`${digits} hex digits`)
    this.#at += 2 + digits
    return String.fromCharCode(parseInt(hex, 16))
  }
}

/** Letters, digits and what may stand in a number or a name; false behind the end (NaN). */
function isWordCharacter(c: number): boolean {
  if (c >= 0x30 && c <= 0x39) return true
  if ((c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c > 0x7f) return true
  return c === 0x2b || c === 0x2d || c === 0x2e || c === 0x5f || c === 0x24 || c === 0x40
}
