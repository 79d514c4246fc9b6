import { findProperty } from '@skylarkmq/protocol'

/**
 * The properties of one message at a time, read from their bytes as an expression asks for them; what it does not
 * ask for is not decoded.
 */
export class PropertyLookup {
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0

  /** Turns to another message: its properties are `bytes[start … end]`, which stay as they are meanwhile. */
  look(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** A function that reads a property of the message that is looked at; null when it has none of that name. */
  reader(name: string): () => string | null {
    const wanted = Buffer.from(name)
    return () => {
      const span = findProperty(this.#bytes, wanted, this.#start, this.#end)
      return span === undefined ? null : this.#bytes.toString('utf8', span.start, span.end)
    }
  }
}
