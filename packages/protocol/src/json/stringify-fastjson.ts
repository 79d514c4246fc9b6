/**
 * Writes values as Apache's fastjson 1 does: names of objects in alphabetical order, null and
 * undefined left out of objects, no blanks. A Map keeps its order; its names are written without quotes
 * when they are numbers, `{0:"x"}`, and as objects when they are objects, `{{"a":1}:2}`: what is not
 * standard JSON is what Java, Go and C++ clients expect. A Date or another class has no meaning here.
 */
export function stringifyFastjson(value: unknown): string {
  return new FastjsonWriter(quote, false).text(value)
}

/**
 * Writes values as Apache does for clients that want standard JSON: as `stringifyFastjson`, but numbers
 * as names are quoted, string names of Maps are sorted, and what is not ASCII is escaped.
 */
export function stringifyStandard(value: unknown): string {
  return new FastjsonWriter(quoteAscii, true).text(value)
}

/** Writes values as Apache writes its `config/*.json` files: as `stringifyFastjson`, with tabs and lines. */
export function stringifyPretty(value: unknown): string {
  return new FastjsonWriter(quote, false, '\t').text(value)
}

const SPECIAL = /[\u0000-\u001f"\\\u007f-\u009f\u2028\u2029\ud800-\udfff]/

/** Text in double quotes, escaped as fastjson does: control characters, also those above ASCII. */
export function quote(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, unicodeEscape)
}

function quoteAscii(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, unicodeEscape)
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

const TWO_63 = 2 ** 63
const LONG_MAX = '9223372036854775807'

/** 2^63 stands for Java's greatest long, which is one less and not representable here. */
function numberText(value: number): string {
  if (value === TWO_63) return LONG_MAX
  return Number.isFinite(value) ? String(value) : 'null'
}

class FastjsonWriter {
  readonly #quote: (text: string) => string
  readonly #standard: boolean
  readonly #indent: string | undefined

  constructor(quoteText: (text: string) => string, standard: boolean, indent?: string) {
    this.#quote = quoteText
    this.#standard = standard
    this.#indent = indent
  }

  text(value: unknown, depth = 0): string {
    switch (typeof value) {
      case 'string':
        return this.#quote(value)
      case 'number':
        return numberText(value)
      case 'boolean':
      case 'bigint':
        return String(value)
      case 'object':
        return value === null ? 'null' : this.#object(value, depth)
      default:
        return 'null'
    }
  }

  #object(value: object, depth: number): string {
    if (Array.isArray(value) || value instanceof Set) {
      const items = Array.from(value as Iterable<unknown>, (item) => this.text(item, depth + 1))
      return `[${items.join(',')}]`
    }
    if (value instanceof Map) return this.#map(value, depth)
    const entries: string[] = []
    const named = value as Readonly<Record<string, unknown>>
    for (const name of Object.keys(named).sort()) {
      const each = named[name]
      if (each !== undefined && each !== null) {
        entries.push(`${this.#quote(name)}:${this.text(each, depth + 1)}`)
      }
    }
    return this.#braces(entries, depth)
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): string {
    const entries: string[] = []
    let bare = false
    for (const [name, value] of this.#standard ? sorted(map) : map) {
      if (value === undefined || value === null) continue
      bare ||= typeof name !== 'string'
      entries.push(`${this.#mapName(name, depth)}:${this.text(value, depth + 1)}`)
    }
    // fastjson begins no new line before a name that is not text, but one behind the last value.
    if (bare && this.#indent !== undefined) {
      return `{${entries.join(',')}\n${this.#indent.repeat(depth)}}`
    }
    return this.#braces(entries, depth)
  }

  #mapName(name: unknown, depth: number): string {
    if (typeof name === 'string') return this.#quote(name)
    const text = this.text(name, depth + 1)
    return this.#standard && typeof name !== 'object' ? `"${text}"` : text
  }

  #braces(entries: readonly string[], depth: number): string {
    if (this.#indent === undefined || entries.length === 0) return `{${entries.join(',')}}`
    const inner = `\n${this.#indent.repeat(depth + 1)}`
    return `{${inner}${entries.join(`,${inner}`)}\n${this.#indent.repeat(depth)}}`
  }
}

function sorted(map: ReadonlyMap<unknown, unknown>): [unknown, unknown][] {
  return [...map].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
}
