const NOT_ASCII = /[^\0-\x7f]/
/** With more names than this all properties of a message are looked through once, instead of once for each name. */
const SEARCHED_NAMES_MAX = 8
/** What it costs to come to a property, in characters that the host searches in the same time. */
const STEP_COST = 1000
/** What it costs to read a character of a value as one of a number. */
const READ_COST = 32

/** The value of one name in the message that is looked at. */
interface Slot {
  readonly first: string
  readonly later: string
  /** The message for which `value` was found. */
  message: number
  value: string | null
}

/**
 * The properties of one message at a time. Their bytes are taken as text one to one, in which the host finds a name
 * faster than a loop does; of the values only those are decoded that an expression asks for, and each once.
 */
export class PropertyLookup {
  /** What all evaluations have cost up to now: characters that were looked at, roughly. */
  cost = 0
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0
  #text: string | undefined
  #message = 0
  #indexed = -1
  readonly #slots = new Map<string, Slot>()

  /** Turns to another message: its properties are `bytes[start … end]`, which stay as they are meanwhile. */
  look(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#text = undefined
    this.#message++
  }

  /** A function that reads a property of the message that is looked at; null when it has none of that name. */
  reader(name: string): () => string | null {
    const known = this.#slots.get(name)
    const slot = known ?? {
      first: `${name}\x01`,
      later: `\x02${name}\x01`,
      message: -1,
      value: null,
    }
    this.#slots.set(name, slot)
    return () => {
      if (slot.message !== this.#message) this.#find(slot)
      // Whoever reads a value looks at it.
      this.cost += STEP_COST + READ_COST * (slot.value?.length ?? 0)
      return slot.value
    }
  }

  #find(slot: Slot): void {
    const text = (this.#text ??= this.#bytes.toString('latin1', this.#start, this.#end))
    if (this.#slots.size > SEARCHED_NAMES_MAX) {
      this.#index(text)
      if (slot.message === this.#message) return
      slot.message = this.#message
      slot.value = null
      return
    }
    this.cost += text.length
    let value = text.startsWith(slot.first) ? valueAt(text, slot.first.length) : ''
    // Of a name that comes twice the last value holds; an empty one is none.
    for (let at = text.indexOf(slot.later); at >= 0; at = text.indexOf(slot.later, at + 1)) {
      value = valueAt(text, at + slot.later.length) || value
    }
    slot.message = this.#message
    slot.value = value === '' ? null : decoded(value)
  }

  /** Finds all names at once. */
  #index(text: string): void {
    if (this.#indexed === this.#message) return
    this.#indexed = this.#message
    this.cost += text.length
    for (let at = 0; at < text.length;) {
      const found = text.indexOf('\x02', at)
      const end = found < 0 ? text.length : found
      const piece = text.slice(at, end)
      const middle = piece.indexOf('\x01')
      const slot = middle < 0 ? undefined : this.#slots.get(piece.slice(0, middle))
      if (slot !== undefined && middle + 1 < piece.length) {
        slot.message = this.#message
        slot.value = decoded(piece.slice(middle + 1))
      }
      this.cost += STEP_COST
      at = end + 1
    }
  }
}

function decoded(value: string): string {
  return NOT_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value
}

function valueAt(text: string, start: number): string {
  const end = text.indexOf('\x02', start)
  return end < 0 ? text.slice(start) : text.slice(start, end)
}
