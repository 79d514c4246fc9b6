/** Bytes written to the timer log at a position. */
export interface UnprovenPiece {
  readonly position: number
  readonly bytes: Buffer
}

/**
 * What was written to the timer log and may not be on disk: reads take it from here, and after a failed sync it is
 * written again.
 */
export class UnprovenUnits {
  #pieces: UnprovenPiece[] = []
  #sizeBytes = 0

  /** The pieces in the order of their positions. */
  get pieces(): readonly UnprovenPiece[] {
    return this.#pieces
  }

  /** Position of the first; undefined when all is on disk. */
  get from(): number | undefined {
    return this.#pieces[0]?.position
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Adds a write, behind all others. */
  add(position: number, bytes: Buffer): void {
    this.#pieces.push({ position, bytes })
    this.#sizeBytes += bytes.length
  }

  /** Drops what ends at or before a position. */
  dropBefore(position: number): void {
    const isLeft = (piece: UnprovenPiece): boolean => piece.position + piece.bytes.length > position
    this.#pieces = this.#pieces.filter(isLeft)
    this.#sizeBytes = this.#pieces.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** The bytes at a position; undefined when they are not here. */
  at(position: number): { readonly bytes: Buffer; readonly at: number } | undefined {
    const pieces = this.#pieces
    let low = 0
    let high = pieces.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((pieces[middle] as UnprovenPiece).position <= position) low = middle + 1
      else high = middle
    }
    const piece = pieces[low - 1]
    if (piece === undefined || position >= piece.position + piece.bytes.length) return undefined
    return { bytes: piece.bytes, at: position - piece.position }
  }
}
