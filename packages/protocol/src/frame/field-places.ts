import { KnownHeader, sharedViewOf, ValueTrace } from './known-header.ts'
import type { ChangedFields } from './known-header.ts'
import { ChangedRuns } from './plain-text.ts'
import { ValueKind } from './scan-values.ts'
import { ScannedNames } from './scanned-names.ts'

/** Headers that are known at once: clients of some makes and versions, with their fields in their order. */
const KNOWN_MAX = 4
/** A longer header is not kept: what is known of one takes some six times its length, for as long as the process lives. */
const KNOWN_BYTES_MAX = 16 * 1024
/** A header is kept when this many in a row were like none that is known. */
const KEPT_AFTER = 3
/** A known header from which so many fields differed so often is out of date. */
const CHANGES_USUAL = 6
const STALE_AFTER = 64
/** Larger buffers hold a cut frame, and are not to be kept by a view. */
const VIEWED_BYTES_MAX = 1024 * 1024

/** Where the values of a request's fields lie, by the number of their name. */
export class FieldPlaces implements ChangedFields {
  readonly names: ScannedNames
  /** Of fields that the last scan read; −1 for one that is not there. */
  readonly start: Int32Array
  readonly end: Int32Array
  /** Bits of `ValueKind`. */
  readonly kind: Uint8Array
  readonly trace = new ValueTrace()
  /** The runs of the field whose kind is JOINED. */
  readonly runs = new ChangedRuns()
  /** The header that the last one is like; its fields hold unless `isChanged`. */
  known: KnownHeader | undefined
  #knownHeaders: KnownHeader[] = []
  /** A bit for each field that is not as in `known`. */
  changedMask = 0
  #changes = 0
  #unknown = 0
  #stale = 0

  /** At most 30 names. */
  constructor(names: readonly string[]) {
    this.names = new ScannedNames(names, ':"')
    // One more for the values of names that are not known.
    this.start = new Int32Array(names.length + 1)
    this.end = new Int32Array(names.length + 1)
    this.kind = new Uint8Array(names.length + 1)
  }

  /** True when the last scan found a field as it is in `known`. */
  isAsKnown(field: number): boolean {
    return this.known !== undefined && (this.changedMask & (1 << field)) === 0
  }

  /** Forgets what the last scan found. */
  begin(): void {
    this.known = undefined
    this.trace.begin()
    this.start.fill(-1)
  }

  /** Forgets the fields that were found: others take their place. */
  beginFields(): void {
    this.trace.beginFields()
    this.start.fill(-1)
  }

  /** A field that was read. */
  set(field: number, start: number, end: number, kind: number): void {
    this.start[field] = start
    this.end[field] = end
    this.kind[field] = kind
  }

  /** A field that is not as in `known`. */
  changed(field: number, start: number, end: number, kind: number): void {
    this.set(field, start, end, kind)
    this.changedMask |= 1 << field
    this.#changes++
  }

  /** A run of a field that is not as in `known`; false when there is no room for it. */
  changedRun(field: number, run: number, start: number, end: number): boolean {
    if (!this.runs.add(field, run, start, end)) return false
    this.changed(field, start, end, ValueKind.JOINED)
    return true
  }

  /** True when a header is like one that is known; its values are then in `scanned` and here. */
  findKnown(buffer: Buffer, start: number, end: number): boolean {
    if (this.#knownHeaders.length === 0 || buffer.length > VIEWED_BYTES_MAX) return false
    const view = sharedViewOf(buffer)
    for (let i = 0; i < this.#knownHeaders.length; i++) {
      const known = this.#knownHeaders[i] as KnownHeader
      this.changedMask = 0
      this.#changes = 0
      this.runs.begin()
      if (!known.matches(view, buffer, start, end, this)) continue
      this.known = known
      this.#unknown = 0
      if (i > 0) this.#putFirst(i, known)
      if (this.#changes > CHANGES_USUAL) this.#dropIfStale(known)
      return true
    }
    return false
  }

  #putFirst(i: number, known: KnownHeader): void {
    this.#knownHeaders[i] = this.#knownHeaders[0] as KnownHeader
    this.#knownHeaders[0] = known
  }

  #dropIfStale(known: KnownHeader): void {
    if (++this.#stale < STALE_AFTER) return
    this.#stale = 0
    this.#knownHeaders = this.#knownHeaders.filter((each) => each !== known)
  }

  /** Keeps the header that was scanned, if there is reason to. */
  keep(buffer: Buffer, start: number, end: number): void {
    if (++this.#unknown < KEPT_AFTER) return
    this.#unknown = 0
    if (end - start > KNOWN_BYTES_MAX) return
    if (!this.trace.isUsual(this.names.count)) return
    const header = Buffer.from(buffer.subarray(start, end))
    const known = new KnownHeader(header, start, this.trace, this.names.count)
    this.#knownHeaders = [known, ...this.#knownHeaders.slice(0, KNOWN_MAX - 1)]
  }
}
