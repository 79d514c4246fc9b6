const NOT_ASCII = /[^\0-\x7f]/

/**
 * The properties of one message at a time. Their bytes are taken as text one to one, in which the host finds a name
 * faster than a loop does; of the values only those are decoded that an expression asks for.
 */
export class PropertyLookup {
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0
  #text: string | undefined

  /** Turns to another message: its properties are `bytes[start … end]`, which stay as they are meanwhile. */
  look(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#text = undefined
  }

  /** A function that reads a property of the message that is looked at; null when it has none of that name. */
  reader(name: string): () => string | null {
    const first = `${name}\x01`
    const later = `\x02${name}\x01`
    return () => {
      const text = (this.#text ??= this.#bytes.toString('latin1', this.#start, this.#end))
      let value = text.startsWith(first) ? valueAt(text, first.length) : ''
      // Of a name that comes twice the last value holds; an empty one is none.
      for (let at = text.indexOf(later); at >= 0; at = text.indexOf(later, at + 1)) {
        value = valueAt(text, at + later.length) || value
      }
      if (value === '') return null
      return NOT_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value
    }
  }
}

function valueAt(text: string, start: number): string {
  const end = text.indexOf('\x02', start)
  return end < 0 ? text.slice(start) : text.slice(start, end)
}
