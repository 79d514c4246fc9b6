import { isUtf8 } from 'node:buffer'
import {
  makeRoom,
  scanned,
  scanText,
  takeRoom,
  textEnd,
  textKind,
  textStart,
  ValueKind,
} from './scan-values.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const UNICODE_ESCAPE_BYTES = 6
const RUNS_MAX = 64
/** From this length on a copy is cheaper by the host than by a loop. */
const NATIVE_FROM = 48

/** Text of a header in JSON that has escapes, and the runs of bytes between them. */
export interface PlainText {
  /** The text without escapes. */
  readonly bytes: Buffer
  readonly isUtf8: boolean
  readonly runs: number
  /** Where each run lies in the header. */
  readonly rawStart: readonly number[]
  readonly rawEnd: readonly number[]
  /** Where each run lies in `bytes`. */
  readonly start: readonly number[]
  readonly end: readonly number[]
}

/** The runs of text that lies in a header and was scanned before; undefined for text without escapes. */
export function plainText(header: Buffer, start: number, end: number): PlainText | undefined {
  const rawStart: number[] = []
  const rawEnd: number[] = []
  const runStart: number[] = []
  const runEnd: number[] = []
  const pieces: Buffer[] = []
  let length = 0
  const add = (piece: Buffer): void => {
    pieces.push(piece)
    length += piece.length
  }
  for (let at = start; ;) {
    let stop = at
    while (stop < end && header[stop] !== BACKSLASH) stop++
    rawStart.push(at)
    rawEnd.push(stop)
    runStart.push(length)
    add(header.subarray(at, stop))
    runEnd.push(length)
    if (stop === end) break
    at = stop + (header[stop + 1] === 0x75 ? UNICODE_ESCAPE_BYTES : 2)
    add(withoutEscapes(header, stop, at))
  }
  const runs = rawStart.length
  if (runs === 1 || runs > RUNS_MAX) return undefined
  const bytes = Buffer.concat(pieces)
  return { bytes, isUtf8: isUtf8(bytes), runs, rawStart, rawEnd, start: runStart, end: runEnd }
}

/** Text in JSON without its escapes. */
export function withoutEscapes(buffer: Buffer, start: number, end: number): Buffer {
  const quoted = Buffer.alloc(end - start + 1, QUOTE)
  buffer.copy(quoted, 0, start, end)
  makeRoom(quoted.length)
  scanText(quoted, 0, quoted.length)
  const from = (textKind & ValueKind.UNESCAPED) !== 0 ? scanned.plain : quoted
  return Buffer.from(from.subarray(textStart, textEnd))
}

/** Runs of one field that are others than in a known header. */
export class ChangedRuns {
  #field = -1
  #count = 0
  readonly #run = new Int32Array(RUNS_MAX)
  readonly #start = new Int32Array(RUNS_MAX)
  readonly #end = new Int32Array(RUNS_MAX)

  /** Begins with a header. */
  begin(): void {
    this.#field = -1
    this.#count = 0
  }

  /** Takes a run, which lies in the frame; false when there are others of another field. */
  add(field: number, run: number, start: number, end: number): boolean {
    if ((this.#field >= 0 && this.#field !== field) || this.#count === RUNS_MAX) return false
    this.#field = field
    const at = this.#count++
    this.#run[at] = run
    this.#start[at] = start
    this.#end[at] = end
    return true
  }

  /** Puts the field together in `scanned.plain`, where it stays as it is. */
  join(known: PlainText): Buffer {
    return this.#isSameLength(known) ? this.#overwrite(known) : this.#splice(known)
  }

  #isSameLength(known: PlainText): boolean {
    for (let i = 0; i < this.#count; i++) {
      const run = this.#run[i] as number
      const length = (this.#end[i] as number) - (this.#start[i] as number)
      if (length !== (known.end[run] as number) - (known.start[run] as number)) return false
    }
    return true
  }

  #overwrite(known: PlainText): Buffer {
    const { length } = known.bytes
    const at = takeRoom(length)
    scanned.plain.set(known.bytes, at)
    for (let i = 0; i < this.#count; i++) {
      const to = at + (known.start[this.#run[i] as number] as number)
      copyBytes(this.#start[i] as number, this.#end[i] as number, to)
    }
    return scanned.plain.subarray(at, at + length)
  }

  #splice(known: PlainText): Buffer {
    let length = known.bytes.length
    for (let i = 0; i < this.#count; i++) {
      const run = this.#run[i] as number
      length += (this.#end[i] as number) - (this.#start[i] as number)
      length -= (known.end[run] as number) - (known.start[run] as number)
    }
    const at = takeRoom(length)
    let to = at
    let from = 0
    for (let i = 0; i < this.#count; i++) {
      const run = this.#run[i] as number
      to += known.bytes.copy(scanned.plain, to, from, known.start[run])
      from = known.end[run] as number
      copyBytes(this.#start[i] as number, this.#end[i] as number, to)
      to += (this.#end[i] as number) - (this.#start[i] as number)
    }
    known.bytes.copy(scanned.plain, to, from)
    return scanned.plain.subarray(at, at + length)
  }
}

function copyBytes(start: number, end: number, to: number): void {
  const { buffer, plain } = scanned
  if (end - start >= NATIVE_FROM) {
    buffer.copy(plain, to, start, end)
    return
  }
  const ahead = to - start
  for (let at = start; at < end; at++) plain[at + ahead] = buffer[at] as number
}
