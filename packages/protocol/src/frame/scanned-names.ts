const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Recognises the names in a header by their number in a list. A peer writes its names in the same order
 * each time, so the name that followed last time is looked for first: most names cost one comparison.
 */
export class ScannedNames {
  /** Behind the name that was read last, and what belongs to it. */
  stop = 0
  /** How many names are known; it is also the number of each name that is not. */
  readonly count: number
  readonly #names: readonly Buffer[]
  /** `"name":` or `"name":"`, by number. */
  readonly #quoted: readonly Buffer[]
  readonly #behind: Buffer
  /** Which name came behind a name last time; at `count`, which one came first. */
  readonly #next: Uint8Array

  /** `behind` is what follows a name and its quote in JSON: `:`, or `:"` before text. */
  constructor(names: readonly string[], behind: ':' | ':"') {
    this.count = names.length
    this.#names = names.map((name) => Buffer.from(name))
    this.#quoted = names.map((name) => Buffer.from(`"${name}"${behind}`))
    this.#behind = Buffer.from(`"${behind}`)
    this.#next = new Uint8Array(names.length + 1)
  }

  /**
   * Reads a name in JSON at `at`; `before` is the number of the name before it, `count` for the first. The
   * name's number, `count` for one that is not known, −1 when there is no name in the usual form.
   */
  read(buffer: Buffer, at: number, end: number, before: number): number {
    const guess = this.#next[before] as number
    const name = this.#quoted[guess]
    if (name !== undefined && isAt(buffer, at, end, name)) {
      this.stop = at + name.length
      return guess
    }
    return this.#lookUp(buffer, at, end, before)
  }

  #lookUp(buffer: Buffer, at: number, end: number, before: number): number {
    for (let number = 0; number < this.count; number++) {
      const name = this.#quoted[number] as Buffer
      if (!isAt(buffer, at, end, name)) continue
      this.#next[before] = number
      this.stop = at + name.length
      return number
    }
    if (buffer[at] !== QUOTE) return -1
    for (let place = at + 1; place < end; place++) {
      const byte = buffer[place] as number
      if (byte === QUOTE) {
        if (!isAt(buffer, place, end, this.#behind)) return -1
        this.stop = place + this.#behind.length
        return this.count
      }
      // What is escaped or not ASCII could still be one of the names, or none.
      if (byte < 0x20 || byte === BACKSLASH || byte >= 0x7f) return -1
    }
    return -1
  }

  /** The number of the bare name that fills `[start, end)`; `count` when it is not known. */
  numberOf(buffer: Buffer, start: number, end: number, before: number): number {
    const guess = this.#next[before] as number
    if (this.#fills(buffer, start, end, guess)) return guess
    for (let number = 0; number < this.count; number++) {
      if (!this.#fills(buffer, start, end, number)) continue
      this.#next[before] = number
      return number
    }
    return this.count
  }

  #fills(buffer: Buffer, start: number, end: number, number: number): boolean {
    const name = this.#names[number]
    return name?.length === end - start && isAt(buffer, start, end, name)
  }
}

/** True when `wanted` lies at `at`, before `end`. */
export function isAt(buffer: Buffer, at: number, end: number, wanted: Buffer): boolean {
  const { length } = wanted
  if (at + length > end) return false
  for (let i = 0; i < length; i++) if (buffer[at + i] !== wanted[i]) return false
  return true
}
