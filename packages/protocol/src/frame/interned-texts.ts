import { isAt } from './scanned-names.ts'

/** Longer texts are not cached. */
export const INTERNED_BYTES_MAX = 255
const SLOTS = 4096
const HASH_BITS = 12

/** A text and its bytes in UTF-8. */
export interface InternedText {
  readonly bytes: Buffer
  readonly text: string
}

/**
 * A cache of strings for short texts, by the hash of their bytes: topics and groups recur with each request. At most
 * 4096 texts of 255 bytes.
 */
export class InternedTexts {
  readonly #slots = new Array<InternedText | undefined>(SLOTS).fill(undefined)

  /** The text of `buffer[start, end)`. */
  at(buffer: Buffer, start: number, end: number): InternedText {
    let hash = end - start
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (buffer[at] as number)) | 0
    const slot = Math.imul(hash, 0x9e3779b1) >>> (32 - HASH_BITS)
    const known = this.#slots[slot]
    if (known?.bytes.length === end - start && isAt(buffer, start, end, known.bytes)) return known
    // Its own memory: a view of the pool would keep the whole pool alive.
    const bytes = Buffer.allocUnsafeSlow(end - start)
    buffer.copy(bytes, 0, start, end)
    const made = { bytes, text: buffer.toString('utf8', start, end) }
    this.#slots[slot] = made
    return made
  }
}
